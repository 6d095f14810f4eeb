import { expect, it } from 'vitest';
import { repositoryArnOf, startTask } from './iam.ts';

const secret = 'arn:aws:secretsmanager:eu-central-1:210987654321:secret:uri-AbCdEf';
const needs = {
  region: 'eu-central-1',
  logGroupArn: 'arn:aws:logs:eu-central-1:210987654321:log-group:t',
  kmsKeyArns: ['arn:key'],
};

it('allows ECS to read exactly the secrets of a task', () => {
  const { Statement } = startTask({ ...needs, secrets: [`${secret}:::version`, `${secret}:field::`] });
  expect(Statement.map(({ Sid }) => Sid)).toEqual(['WriteLogs', 'ReadSecrets', 'DecryptSecrets']);
  expect(Statement.find(({ Sid }) => Sid === 'ReadSecrets')?.Resource).toEqual([secret]);
  expect(Statement.flatMap(({ Resource }) => Resource)).not.toContain('*');
});

it.each([
  [
    '210987654321.dkr.ecr.eu-central-1.amazonaws.com/a/b@sha256:0',
    'arn:aws:ecr:eu-central-1:210987654321:repository/a/b',
  ],
  ['210987654321.dkr.ecr.eu-central-1.amazonaws.com/a:tag', 'arn:aws:ecr:eu-central-1:210987654321:repository/a'],
  ['ghcr.io/example/trunkline@sha256:0', undefined],
])('finds the repository of %s', (image, arn) => {
  expect(repositoryArnOf(image)).toBe(arn);
});
