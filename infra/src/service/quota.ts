import type { Config } from '../config/config.ts';

/** What a new account may run at most, or less: "Fargate On-Demand vCPU resource count". https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const DEFAULT_VCPUS = 6;
const QUOTA_CODE = 'L-3032A538';

/** A deployment runs the old tasks and as many new ones. */
const vcpusOf = ({ cpu, max }: Config['service']): number => (cpu / 1024) * max * 2;

/** What to ask AWS for before a deployment at full size stands still; undefined where the default does. */
export const quotaNotice = ({ service, region }: Pick<Config, 'service' | 'region'>): string | undefined => {
  const needed = vcpusOf(service);
  if (needed <= DEFAULT_VCPUS) return undefined;
  return [
    `A deployment at service.max of ${service.max} tasks needs ${needed} vCPU of Fargate, and a new account has ${DEFAULT_VCPUS}.`,
    'Without them it stands still. See what you have, and ask for more:',
    `  aws service-quotas get-service-quota --region ${region} --service-code fargate --quota-code ${QUOTA_CODE}`,
    `  aws service-quotas request-service-quota-increase --region ${region} --service-code fargate --quota-code ${QUOTA_CODE} --desired-value ${Math.ceil(needed)}`,
  ].join('\n');
};
