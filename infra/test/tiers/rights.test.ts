import { describe, expect, inject, it } from 'vitest';
import { ACTIONS, rightsFor, STATE_KEY_ALIAS } from '../../src/rights/rights.ts';
import type { Statement } from '../../src/service/iam.ts';

const where = { accountId: '210987654321', region: 'eu-central-1' };
const recorded = inject('recorded');
const typesOf = (name: keyof typeof recorded) => recorded[name].update.resources.map(({ type }) => type);

describe('the rights of a deployer', () => {
  it.each(Object.keys(recorded) as (keyof typeof recorded)[])(
    'are known for every resource of the stack %s',
    (name) => {
      expect(() => rightsFor(typesOf(name), where)).not.toThrow();
    },
  );

  it('include none that no stack needs', () => {
    const types = (Object.keys(recorded) as (keyof typeof recorded)[]).flatMap(typesOf);
    expect(Object.keys(ACTIONS).filter((beginning) => !types.some((type) => type.startsWith(beginning)))).toEqual([]);
  });

  it('allow an interface endpoint with private DNS', () => {
    const { Statement } = rightsFor(typesOf('widest'), where);
    expect(permits(Statement, 'route53:AssociateVPCWithHostedZone')).toBe(true);
  });

  it('are limited to the program’s roles and to one region', () => {
    const { Statement } = rightsFor(typesOf('widest'), where);
    const iam = Statement.filter(({ Action }) => Action.some((action) => action.startsWith('iam:')));
    expect(iam.length).toBeGreaterThan(0);
    for (const { Resource = [] } of iam)
      expect(Resource.filter((arn) => !/:role\/(trunkline-|aws-service-role\/)/.test(arn))).toEqual([]);
    expect(Statement.find(({ Sid }) => Sid === 'Regional')?.Condition).toEqual({
      StringEquals: { 'aws:RequestedRegion': 'eu-central-1' },
    });
  });

  it('pass roles only in the statement that limits the services', () => {
    const { Statement } = rightsFor(Object.keys(ACTIONS), where);
    const matches = (pattern: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test('iam:PassRole');
    expect(Statement.filter(({ Action }) => Action.some(matches)).map(({ Sid }) => Sid)).toEqual(['HandRolesOver']);
  });

  it('allow use of the state’s key, and nothing that harms it', () => {
    const { Statement } = rightsFor(Object.keys(ACTIONS), where);
    expect(harmsOf(Statement, STATE_KEY_ALIAS)).toEqual([]);
    expect(permits(Statement, 'kms:Decrypt', STATE_KEY_ALIAS)).toBe(true);
    // They create and delete the stack's own keys.
    expect(permits(Statement, 'kms:ScheduleKeyDeletion')).toBe(true);
    expect(permits(Statement, 'kms:CreateGrant')).toBe(true);
  });

  it.each<[string, (denied: Statement) => Partial<Statement>]>([
    ['allow what they should deny', () => ({ Effect: 'Allow' })],
    ['know the key by another alias', () => ({ Condition: aliased('alias/trunkline-stat') })],
    ['leave out to delete it', ({ Action }) => ({ Action: Action.filter((one) => !one.includes('Deletion')) })],
    ['leave out its policy', ({ Action }) => ({ Action: Action.filter((one) => !one.includes('Policy')) })],
    ['leave out its aliases', ({ Action }) => ({ Action: Action.filter((one) => !one.includes('Alias')) })],
    ['are for keys of another account', () => ({ Resource: ['arn:aws:kms:*:111111111111:key/*'] })],
  ])('fail this test if they could harm the key: %s', (_wrong, change) => {
    const { Statement } = rightsFor(Object.keys(ACTIONS), where);
    const wrong = Statement.map((one) => (one.Effect === 'Deny' ? { ...one, ...change(one) } : one));
    expect(harmsOf(wrong, STATE_KEY_ALIAS)).not.toEqual([]);
  });

  it('fit into one managed policy of 6,144 characters', () => {
    expect(JSON.stringify(rightsFor(Object.keys(ACTIONS), where)).length).toBeLessThanOrEqual(6144);
  });
});

const aliased = (alias: string) => ({ 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } });

/** The harmful actions that are not denied, for a deployer who also has a policy that allows everything. */
const harmsOf = (statements: Statement[], alias: string): string[] => {
  const administrator: Statement = { Effect: 'Allow', Action: ['kms:*'], Resource: ['*'] };
  return HARMS.filter((action) => permits([...statements, administrator], action, alias));
};
const HARMS = ['ScheduleKeyDeletion', 'DisableKey', 'DisableKeyRotation', 'PutKeyPolicy', 'CreateGrant']
  .concat(['UpdateAlias', 'DeleteAlias', 'TagResource', 'UntagResource'])
  .map((action) => `kms:${action}`);

/** Decides as IAM does: allowed, and not denied. The key is in this account. */
const permits = (statements: Statement[], action: string, alias?: string): boolean => {
  const key = `arn:aws:kms:${where.region}:${where.accountId}:key/11111111-2222-3333-4444-555555555555`;
  const isLike = (text: string, patterns: string[] = []) =>
    patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text));
  const of = (effect: Statement['Effect']) =>
    statements.filter(
      ({ Effect, Action, Resource, Condition }) =>
        Effect === effect &&
        isLike(action, Action) &&
        isLike(key, Resource) &&
        // A key without an alias lacks this condition key, so `ForAnyValue` never matches it.
        [undefined, alias].includes(Condition?.['ForAnyValue:StringEquals']?.['kms:ResourceAliases'] as string),
    );
  return of('Allow').length > 0 && of('Deny').length === 0;
};
