import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { guarded } from './protection.ts';

export interface ImageRepositoryArgs {
  protect: boolean;
}

/** Where the service's images are pushed. A tag never changes what it names. */
export class ImageRepository extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;

  constructor(name: string, { protect }: ImageRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:ImageRepository', name, {}, opts);
    const repository = new aws.ecr.Repository(
      name,
      {
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: 'AES256' }],
        forceDelete: !protect,
      },
      { parent: this, ...guarded(protect) },
    );
    new aws.ecr.LifecyclePolicy(
      name,
      { repository: repository.name, policy: JSON.stringify(lifecycle) },
      { parent: this },
    );
    this.url = repository.repositoryUrl;
    this.registerOutputs({});
  }
}

const rule = (rulePriority: number, description: string, selection: Record<string, unknown>) => ({
  rulePriority,
  description,
  selection,
  action: { type: 'expire' },
});

/** Fifty releases are more than anyone rolls back. */
const lifecycle = {
  rules: [
    rule(1, 'Untagged images go after two weeks', {
      tagStatus: 'untagged',
      countType: 'sinceImagePushed',
      countUnit: 'days',
      countNumber: 14,
    }),
    rule(2, 'The fifty newest are kept', { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 50 }),
  ],
};
