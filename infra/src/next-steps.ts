import * as pulumi from '@pulumi/pulumi';
import type { Config } from './config/config.ts';

export interface Deployed {
  config: Pick<Config, 'image' | 'region' | 'architecture' | 'edge' | 'alarms' | 'secrets'>;
  repositoryUrl: pulumi.Output<string>;
  url: pulumi.Output<string>;
  /** The host name that the domain must point to. */
  dnsName: pulumi.Output<string>;
}

/** The commands to run next, one per line. */
export const nextSteps = ({ config, repositoryUrl, url, dnsName }: Deployed): pulumi.Output<string[]> =>
  pulumi
    .all([repositoryUrl, url, dnsName])
    .apply(([repository, at, dns]) =>
      config.image === undefined ? pushImage(config, repository) : useIt(config, at, dns),
    );

/** "Upgrade" in docs/runbooks.md, with the known values filled in. */
const pushImage = ({ region, architecture }: Deployed['config'], repository: string): string[] => [
  'version=1.2.3  # yours',
  `repository=${repository}`,
  `region=${region}`,
  `platform=linux/${architecture === 'arm64' ? 'arm64' : 'amd64'}`,
  `aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "\${repository%%/*}" &&`,
  'docker buildx build --platform "$platform" --file ../service/Dockerfile --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" --tag "$repository:$version" --push .. &&',
  `digest=$(aws ecr describe-images --region "$region" --repository-name "\${repository#*/}" --image-ids "imageTag=$version" --query 'imageDetails[0].imageDigest' --output text) &&`,
  'pulumi config set infra:image "$repository@$digest"',
  'pulumi preview --policy-pack policies &&',
  'pulumi up --yes --policy-pack policies &&',
  // Otherwise CI would deploy the previous stack file.
  `if [ -n "\${PULUMI_STACK_FILE:-}" ]; then aws s3 cp "Pulumi.$(pulumi stack --show-name).yaml" "$PULUMI_STACK_FILE"; fi`,
];

const useIt = ({ edge, alarms, secrets }: Deployed['config'], url: string, dnsName: string): string[] => [
  ...(edge.scheme === 'https' && edge.hostedZoneId === undefined
    ? [`# Point ${edge.domain} to ${dnsName}: its zone is not known here.`]
    : []),
  `curl ${url}/healthz`,
  ...(alarms !== undefined && 'email' in alarms
    ? [`# Confirm the subscription that AWS has sent to ${alarms.email}: no alarm arrives before.`]
    : []),
  ...(secrets.bootstrapApiKey === undefined
    ? []
    : [
        '# Create an admin key with the bootstrap key, then revoke and remove the bootstrap key: docs/runbooks.md, "Retire the bootstrap key".',
      ]),
];
