import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXAMPLES, nearest } from './keys.ts';
import { Schema } from './schema.ts';

/** The examples as one configuration, without the keys that match. */
const configuration = (leaveOut: RegExp): Record<string, unknown> => {
  const whole: Record<string, any> = {};
  for (const [key, value] of Object.entries(EXAMPLES)) {
    if (leaveOut.test(key)) continue;
    const path = key.split(/[.[\]]+/).filter(Boolean);
    let at = whole;
    path.forEach((part, depth) => {
      if (depth === path.length - 1)
        at[part] = value.replaceAll(/^"|"$/g, '').replace(/<64 hex digits>/, '0'.repeat(64));
      else at = at[part] ??= /^\d+$/.test(path[depth + 1]!) ? [] : {};
    });
  }
  return whole;
};

const unknownKeys = (values: Record<string, unknown>) =>
  (Schema.safeParse(values).error?.issues ?? []).filter(({ code }) => code === 'unrecognized_keys');

it('has an example for every key of the schema, and for no other key', () => {
  const documentdb = configuration(/^(database\.port|alarms\.snsArn)$/);
  const external = {
    ...configuration(/^(database\..*|alarms\.email)$/),
    database: { kind: 'external', port: '27017' },
  };
  expect([documentdb, external].flatMap(unknownKeys)).toEqual([]);
  expect(Object.keys(documentdb).toSorted()).toEqual(Object.keys(Schema.shape).toSorted());
});

it('documents each key in the README', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const keys = Object.keys(EXAMPLES).map((key) => key.replaceAll(/\[\d\]/g, '').replace(/^tags\..*/, 'tags'));
  expect([...new Set(keys)].filter((key) => !readme.includes(`\`${key}\``))).toEqual([]);
});

it.each([
  ['dev', ['accountId', 'region', 'livekitUrl', 'livekitSipHost', 'zones']],
  ['prod', ['accountId', 'region', 'domain', 'hostedZoneId', 'livekitUrl', 'livekitSipHost', 'zones', 'email']],
])('marks as yours in the %s example exactly the values that the README says to fill in', (stack, keys) => {
  const [readme, example] = ['README.md', `Pulumi.${stack}.example.yaml`].map((file) =>
    readFileSync(join(import.meta.dirname, '../..', file), 'utf8'),
  );
  expect(readme).toContain(
    'the file says "yours": account, region and zones, LiveKit\'s addresses, and for `prod` domain, zone and e-mail.',
  );
  expect([...example!.matchAll(/^ +(?:infra:)?(\w+): .* # yours$/gm)].map(([, key]) => key)).toEqual(keys);
});

it.each([
  ['enviroment', 'environment'],
  ['service.cpus', 'service.cpu'],
  ['Image', 'image'],
  ['somethingElseEntirely', undefined],
])('reads the unknown key %s as %s', (unknown, meant) => {
  expect(nearest(unknown)).toBe(meant);
});
