import * as pulumi from '@pulumi/pulumi';
import type { Config } from './config/config.ts';

export interface Deployed {
  config: Pick<Config, 'image' | 'region' | 'accountId' | 'architecture' | 'alarms' | 'secrets'>;
  repositoryUrl: pulumi.Output<string>;
  url: pulumi.Output<string>;
}

/** What the reader of the outputs does next: the commands, one a line. */
export const nextSteps = ({ config, repositoryUrl, url }: Deployed): pulumi.Output<string[]> =>
  pulumi
    .all([repositoryUrl, url])
    .apply(([repository, at]) => (config.image === undefined ? pushImage(config, repository) : useIt(config, at)));

const pushImage = ({ region, accountId, architecture }: Deployed['config'], repository: string): string[] => [
  `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${accountId}.dkr.ecr.${region}.amazonaws.com`,
  `docker build --platform linux/${architecture === 'arm64' ? 'arm64' : 'amd64'} --file ../service/Dockerfile --tag ${repository}:<version> ..`,
  `docker push ${repository}:<version>`,
  `pulumi config set infra:image ${repository}@sha256:<the digest that the push printed>`,
  'pulumi up',
];

const useIt = ({ alarms, secrets }: Deployed['config'], url: string): string[] => [
  `curl ${url}/healthz`,
  ...(alarms !== undefined && 'email' in alarms
    ? [`# Confirm what AWS has sent to ${alarms.email}: no alarm comes before.`]
    : []),
  ...(secrets.bootstrapApiKey === undefined
    ? []
    : [
        '# Make an admin key with the bootstrap key, revoke that one, and take it away: README.md, "The first deployment".',
      ]),
];
