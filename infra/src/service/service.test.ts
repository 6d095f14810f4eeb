import { expect, it } from 'vitest';
import { requireDeployed } from './service.ts';

const arn = (revision: number) => `arn:aws:ecs:eu-central-1:210987654321:task-definition/trunkline-dev:${revision}`;
const where = { cluster: 'trunkline-1', service: 'trunkline-2' };

it('returns the task definition if the service runs the one that was asked for', () => {
  expect(requireDeployed({ wanted: arn(2), actual: arn(2), ...where })).toBe(arn(2));
});

it('throws if ECS rolled back, and says how to find out why', () => {
  expect(() => requireDeployed({ wanted: arn(2), actual: arn(1), ...where })).toThrow(
    /runs trunkline-dev:1, and not trunkline-dev:2.*\n.*\n {2}aws ecs describe-services --cluster trunkline-1 --services trunkline-2/,
  );
});
