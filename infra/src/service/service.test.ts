import * as pulumi from '@pulumi/pulumi';
import { expect, it, vi } from 'vitest';
import { type Deployed, requireDeployed } from './service.ts';

const arn = (revision: number) => `arn:aws:ecs:eu-central-1:210987654321:task-definition/trunkline-dev:${revision}`;
const deployed = (found: Partial<Deployed['found']>): Deployed => ({
  wanted: arn(2),
  found: { taskDefinition: arn(2), desiredCount: 2, runningCount: 2, deployments: [{}], ...found },
  region: 'eu-central-1',
  cluster: 'trunkline-1',
  service: 'trunkline-2',
});
const AGAIN =
  /deploy again with:\n {2}aws ecs update-service --region eu-central-1 --cluster trunkline-1 --service trunkline-2 --force-new-deployment$/;

it('returns the task definition if the service runs the one that was asked for, also while it scales up', () => {
  expect(requireDeployed(deployed({}))).toBe(arn(2));
  expect(requireDeployed(deployed({ desiredCount: 3, runningCount: 2 }))).toBe(arn(2));
});

it('throws if ECS rolled back, and says how to find out why', () => {
  expect(() => requireDeployed(deployed({ taskDefinition: arn(1) }))).toThrow(
    /runs trunkline-dev:1, and not trunkline-dev:2.*\n(.*\n){2} {2}aws ecs describe-services --region eu-central-1 --cluster trunkline-1 --services trunkline-2/,
  );
});

it('throws if there was nothing to roll back to, and no task runs', () => {
  const stalled = () => requireDeployed(deployed({ runningCount: 0 }));
  expect(stalled).toThrow(/^No task of trunkline-dev:2 runs\./);
  expect(stalled).toThrow(AGAIN);
});

it('throws if old tasks still run', () => {
  const unfinished = () => requireDeployed(deployed({ deployments: [{}, {}] }));
  expect(unfinished).toThrow(/^The deployment of trunkline-dev:2 has not finished/);
  expect(unfinished).toThrow('Wait for new tasks');
  expect(unfinished).toThrow(AGAIN);
});

it('warns if somebody has set the count of tasks to 0', () => {
  const warn = vi.spyOn(pulumi.log, 'warn').mockResolvedValue();
  expect(requireDeployed(deployed({ desiredCount: 0, runningCount: 0 }))).toBe(arn(2));
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/^The service has no tasks.*\n.* --desired-count …$/));
});
