import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { guarded } from '../names.ts';

export interface ImageRepositoryArgs {
  protect: boolean;
}

/** The repository that the service's images are pushed to. Tags are immutable. */
export class ImageRepository extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
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
    this.name = repository.name;
    this.url = repository.repositoryUrl;
    this.registerOutputs({});
  }
}

/** Only untagged images expire: by count or age, the running image could be deleted. Immutable tags keep it tagged. */
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      description: 'Untagged images go after two weeks',
      selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
};
