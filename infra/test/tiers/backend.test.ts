import * as pulumi from '@pulumi/pulumi';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createBackend, readBackendConfig } from '../../backend/backend.ts';
import type { Statement } from '../../src/service/iam.ts';
import { evaluate } from './evaluate.ts';
import { record } from './in-process.ts';
import type { Recording } from './monitor.ts';

const where = {
  accountId: '210987654321',
  region: 'eu-central-1',
  repository: 'acme@123456/trunkline@456789',
  stack: 'prod',
};

/** What who previews may read beside the state. */
const PREVIEWED = ['ec2:DescribeSubnets', 'ec2:DescribeTags', 'elasticloadbalancing:Describe*'];

/** What AWS's provider calls for what the program asks: https://github.com/hashicorp/terraform-provider-aws, its data sources. */
const READS = {
  'aws:ec2/getSubnet:getSubnet': ['ec2:DescribeSubnets', 'ec2:DescribeTags'],
  'aws:lb/getListener:getListener': [
    'elasticloadbalancing:DescribeListeners',
    'elasticloadbalancing:DescribeListenerAttributes',
    'elasticloadbalancing:DescribeTags',
  ],
  'aws:lb/getLoadBalancer:getLoadBalancer': [
    'elasticloadbalancing:DescribeLoadBalancers',
    'elasticloadbalancing:DescribeLoadBalancerAttributes',
    'elasticloadbalancing:DescribeTags',
  ],
};

describe('the backend of the stacks', () => {
  let recording: Recording;
  const ofType = (type: string) => recording.resources.filter((resource) => resource.type === type);

  beforeAll(async () => {
    const on = { account: where.accountId, region: where.region, name: 'backend' };
    recording = await record(on, () => createBackend(where));
  });

  it('keeps versions of the state in a bucket that is protected and not public', () => {
    const [bucket, ...others] = ofType('aws:s3/bucket:Bucket');
    expect(others).toEqual([]);
    expect(bucket).toMatchObject({ protect: true, retainOnDelete: true, inputs: { forceDestroy: false } });
    expect(ofType('aws:s3/bucketVersioning:BucketVersioning')[0]?.inputs).toMatchObject({
      versioningConfiguration: { status: 'Enabled' },
    });
    const [block] = ofType('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock');
    expect(Object.values(block?.inputs ?? {}).filter((value) => value === true)).toHaveLength(4);
  });

  const read = (repository: string) => {
    const given = Object.entries({ ...where, repository });
    pulumi.runtime.setAllConfig(Object.fromEntries(given.map(([key, value]) => [`backend:${key}`, value])));
    return readBackendConfig();
  };

  it.each(['acme/trunkline', where.repository])('takes the repository as GitHub’s tokens name it: %s', (repository) => {
    expect(read(repository).repository).toBe(repository);
  });

  it.each(['trunkline', 'acme/*', 'acme/trunkline:ref', 'acme@/trunkline@'])('takes no repository %s', (repository) => {
    expect(() => read(repository)).toThrow('repository');
  });

  it('lets only this repository assume the roles, and only main in the stack’s environment deploy', () => {
    const conditions = ofType('aws:iam/role:Role').map(({ name, inputs }) => {
      const { Statement } = JSON.parse(String(inputs.assumeRolePolicy));
      expect(Statement).toHaveLength(1);
      return [name, Statement[0].Condition];
    });
    const claims = (sub: string, others = {}) => ({
      StringEquals: Object.fromEntries(
        Object.entries({ aud: 'sts.amazonaws.com', sub: `repo:acme@123456/trunkline@456789:${sub}`, ...others }).map(
          ([claim, is]) => [`token.actions.githubusercontent.com:${claim}`, is],
        ),
      ),
    });
    expect(Object.fromEntries(conditions)).toEqual({
      'github-trunkline-deploy': claims('environment:prod', { ref: 'refs/heads/main' }),
      'github-trunkline-preview': claims('pull_request'),
      'github-trunkline-drift': claims('ref:refs/heads/main'),
    });
  });

  const statementsOf = (of: string): (Statement & { Resource: string[] })[] =>
    ofType('aws:iam/rolePolicy:RolePolicy')
      .filter(({ inputs }) => inputs.role === `github-trunkline-${of}`)
      .flatMap(({ inputs }) => JSON.parse(String(inputs.policy)).Statement);

  it('lets the preview and drift roles change nothing, the state included', () => {
    const actions = [...statementsOf('preview'), ...statementsOf('drift')].flatMap(({ Action }) => Action);
    expect([...new Set(actions)].toSorted()).toEqual([
      ...PREVIEWED,
      'kms:Decrypt',
      's3:GetObject',
      's3:ListBucket',
      'secretsmanager:GetSecretValue',
    ]);
  });

  it('lets the preview role read what a preview asks AWS for, and no data of the account', () => {
    const asked = Object.values(inject('recorded')).flatMap(({ preview }) => preview.invoked);
    expect([...new Set(asked)].toSorted()).toEqual(Object.keys(READS));
    const needed = new Set(Object.values(READS).flat());
    const granted = PREVIEWED.map((pattern) => new RegExp(`^${pattern.replace('*', '.*')}$`));
    expect([...needed].filter((action) => !granted.some((pattern) => pattern.test(action)))).toEqual([]);
    expect(granted.filter((pattern) => ![...needed].some((action) => pattern.test(action)))).toEqual([]);
    const readers = ofType('aws:iam/rolePolicyAttachment:RolePolicyAttachment').map(({ inputs }) => inputs.role);
    expect(readers).toEqual(['github-trunkline-drift']);
  });

  it('lets the deploy role read, write and unlock the state, but not delete its bucket', () => {
    const [bucket] = ofType('aws:s3/bucket:Bucket');
    const reaches = (arn: string) =>
      new RegExp(`^${arn.replaceAll('*', '.*')}$`).test(`arn:aws:s3:::${bucket?.inputs.bucket}/state`);
    const onState = statementsOf('deploy').filter(
      ({ Action, Resource }) => Action.some((action) => action.startsWith('s3:')) && Resource.some(reaches),
    );
    expect(onState.map(({ Action }) => Action)).toEqual([
      ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    ]);
  });

  it('denies the deploy role changes of the key that encrypts the state', () => {
    const [key] = ofType('aws:kms/key:Key');
    const [alias] = ofType('aws:kms/alias:Alias');
    expect(alias?.inputs.targetKeyId).toBe(key?.outputs.keyId);
    const [denied, ...others] = statementsOf('deploy').filter(({ Effect }) => Effect === 'Deny');
    expect(others).toEqual([]);
    expect(denied?.Action).toContain('kms:ScheduleKeyDeletion');
    expect(denied?.Condition).toEqual({ 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias?.inputs.name } });
  });

  it('lets the drift role read only the secrets that it compares with the state', () => {
    const [policy] = ofType('aws:iam/rolePolicy:RolePolicy').filter(
      ({ inputs }) => inputs.role === 'github-trunkline-drift',
    );
    const { Statement } = JSON.parse(String(policy?.inputs.policy));
    expect(Statement[0]).toMatchObject({
      Action: ['secretsmanager:GetSecretValue'],
      Resource: ['arn:aws:secretsmanager:eu-central-1:210987654321:secret:trunkline-*'],
    });
  });

  it('keeps the policies about keys', () => {
    const keys = evaluate(recording).filter(({ urn }) => urn.includes('kms'));
    expect(keys).toEqual([]);
  });

  it('outputs what CI needs', () => {
    expect(recording.outputs).toEqual({
      backendUrl: 's3://trunkline-state-210987654321?region=eu-central-1',
      secretsProvider: 'awskms://alias/trunkline-state?region=eu-central-1',
      deployRole: 'arn:aws:iam::210987654321:role/github-trunkline-deploy',
      previewRole: 'arn:aws:iam::210987654321:role/github-trunkline-preview',
      driftRole: 'arn:aws:iam::210987654321:role/github-trunkline-drift',
    });
  });
});
