import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, settingNames } from '../../../service/src/config.ts';
import { dev, prod } from '../../test/given.ts';
import { parseConfig } from '../config/config.ts';
import { containerOf } from './container.ts';
import {
  deregistrationSeconds,
  environmentOf,
  IDLE_TIMEOUT_SECONDS,
  LEFT_ALONE,
  outboundPorts,
  SECRET_SETTINGS,
  stopSeconds,
} from './settings.ts';

const everySetting = {
  twilioSecureTrunking: 'true',
  twilioSignallingAddresses: '203.0.113.0/24',
  twilioApiUrl: 'https://twilio.acme.dev',
};
const secretValues = {
  MONGODB_URI: 'mongodb://host:27017/trunkline?replicaSet=rs0',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  ENCRYPTION_KEYS: `2026a:${Buffer.alloc(32).toString('base64')}`,
  BOOTSTRAP_API_KEY: `tl_live_${'a'.repeat(43)}`,
};

it('deploys each setting that the service has, or says why not, and no other', () => {
  const deployed = environmentOf(parseConfig(dev({ service: everySetting })));
  const told = [...Object.keys(deployed), ...Object.values(SECRET_SETTINGS), ...Object.keys(LEFT_ALONE)];
  expect(told.toSorted()).toEqual([...settingNames].toSorted());
  expect(Object.keys(secretValues).toSorted()).toEqual(Object.values(SECRET_SETTINGS).toSorted());
});

it.each([
  ['dev', dev()],
  ['prod', prod({ service: { min: 2, ...everySetting } })],
])('deploys settings to %s that the service starts with', (_environment, given) => {
  const config = readConfig({ ...environmentOf(parseConfig(given)), ...secretValues });
  expect(config).toMatchObject({ production: true, trusted_proxies: 1, port: 3000, host: '::' });
});

it('leaves an import its whole deadline: at the load balancer, and when a task goes', () => {
  const { service } = parseConfig(dev({ service: { importDeadlineSeconds: 50 } }));
  expect(IDLE_TIMEOUT_SECONDS).toBeGreaterThan(service.importDeadlineSeconds);
  expect(deregistrationSeconds(service)).toBeGreaterThan(service.importDeadlineSeconds);
  expect(stopSeconds(service)).toBeGreaterThan(deregistrationSeconds(service));
  expect(stopSeconds(service)).toBeLessThanOrEqual(120);
});

it('lets tasks call HTTPS, the database, and the ports that URLs name', () => {
  const config = parseConfig(
    dev({ database: { kind: 'external', port: 27_018 }, livekitUrl: 'ws://livekit.internal:7880' }),
  );
  expect(outboundPorts(config)).toEqual([443, 7880, 27_018]);
});

describe('the image', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../service/Dockerfile'), 'utf8');
  const config = { ...parseConfig(dev()), image: 'image' };
  const container = containerOf({ config, secrets: [], logGroupName: 'log' });

  it('is made for the user and the port that the task gives it', () => {
    expect(dockerfile).toContain(`USER ${container.user}\n`);
    expect(dockerfile).toContain(`EXPOSE ${container.portMappings[0]!.containerPort} `);
  });

  it('trusts the certificates of DocumentDB, which the URI leaves to it', () => {
    const [, bundle = ''] = /NODE_EXTRA_CA_CERTS=(\S+)/.exec(dockerfile) ?? [];
    expect(dockerfile).toContain(`/global-bundle.pem ${bundle}\n`);
  });
});
