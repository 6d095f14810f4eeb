import { describe, expect, inject, it } from 'vitest';
import { ACTIONS, rightsFor } from '../../src/rights/rights.ts';

const where = { accountId: '210987654321', region: 'eu-central-1' };
const recorded = inject('recorded');
const typesOf = (name: keyof typeof recorded) => recorded[name].update.resources.map(({ type }) => type);

describe('the rights of whoever deploys', () => {
  it.each(Object.keys(recorded) as (keyof typeof recorded)[])('are known for all that the stack %s has', (name) => {
    expect(() => rightsFor(typesOf(name), where)).not.toThrow();
  });

  it('are none that no stack needs', () => {
    const types = (Object.keys(recorded) as (keyof typeof recorded)[]).flatMap(typesOf);
    expect(Object.keys(ACTIONS).filter((beginning) => !types.some((type) => type.startsWith(beginning)))).toEqual([]);
  });

  it('reach no role but the program’s, and no other region', () => {
    const { Statement } = rightsFor(typesOf('widest'), where);
    const iam = Statement.filter(({ Action }) => Action.some((action) => action.startsWith('iam:')));
    expect(iam.length).toBeGreaterThan(0);
    for (const { Resource = [] } of iam)
      expect(Resource.filter((arn) => !/:role\/(trunkline-|aws-service-role\/)/.test(arn))).toEqual([]);
    expect(Statement.find(({ Sid }) => Sid === 'Regional')?.Condition).toEqual({
      StringEquals: { 'aws:RequestedRegion': 'eu-central-1' },
    });
  });

  it('hand a role to nobody but those that the program hands it to', () => {
    const { Statement } = rightsFor(Object.keys(ACTIONS), where);
    const matches = (pattern: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test('iam:PassRole');
    expect(Statement.filter(({ Action }) => Action.some(matches)).map(({ Sid }) => Sid)).toEqual(['HandRolesOver']);
  });

  it('fit into one managed policy of 6,144 characters', () => {
    expect(JSON.stringify(rightsFor(Object.keys(ACTIONS), where)).length).toBeLessThanOrEqual(6144);
  });
});
