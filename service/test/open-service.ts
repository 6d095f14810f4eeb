import { randomBytes } from 'node:crypto';
import { createTrunklineClient, type OrganizationId, type Role, type TrunklineClient } from '@trunkline/contracts';
import { inject } from 'vitest';
import { compose, type Service } from '../src/compose/index.ts';
import { type Config, readConfig } from '../src/config/index.ts';
import { type Connection, connect } from '../src/database/connect.ts';
import { listen } from '../src/http/serve.ts';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { openSandbox, type Sandbox } from '../src/sandbox/server.ts';
import { createMemoryShelf } from '../src/sandbox/shelf.ts';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import { type SeededNumber, seedAccount } from '../src/sandbox/twilio-seed.ts';
import { createLogging } from '../src/telemetry/log.ts';
import { showCause } from './show-cause.ts';
import { createTurnedClock, type TurnedClock } from './turned-clock.ts';

export interface Caller {
  organization_id: OrganizationId;
  api_key: string;
  client: TrunklineClient;
  /** Calls over REST, with the identifying headers. `body` is sent as JSON. */
  rest(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RestAnswer>;
}

export interface RestAnswer {
  status: number;
  headers: Headers;
  // Tests read answers of every shape.
  body: any;
}

export interface OpenedService extends Service, AsyncDisposable {
  url: string;
  config: Config;
  clock: TurnedClock;
  sandbox: Sandbox;
  connection: Connection;
  /** Every logged line. */
  logged: string[];
  /** The admin of the first organization. */
  admin: Caller;
  newOrganization(name?: string): Promise<Caller>;
  /** Another key of the same organization. */
  newKey(caller: Caller, role: Role): Promise<Caller>;
  /** Seeds a sandbox account with these numbers, and integrates it. */
  integrate(
    caller: Caller,
    numbers: readonly SeededNumber[],
    more?: Partial<TwilioAccountState>,
  ): Promise<{ integration_id: `intg_${string}`; account_sid: string }>;
  /** The same caller, at this replica. */
  as(caller: Caller): Caller;
  /** Another replica on the same database and sandbox. */
  openReplica(more?: Pick<OpenOptions, 'providers_url' | 'admin'>): Promise<OpenedService>;
  /** Stops it as a crash does: it starts nothing more. Calls already sent to a provider may still take effect. */
  kill(): void;
  close(): Promise<void>;
}

export interface OpenOptions {
  environment?: Record<string, string>;
  clock?: TurnedClock;
  sandbox?: Sandbox;
  mongodb_uri?: string;
  /** The lowest level that is logged. Default: `debug`. */
  log_level?: string;
  /** The providers' address, instead of the sandbox's. */
  providers_url?: string;
  /** The admin, if another replica has prepared the database already. */
  admin?: Caller;
  /** How long the database may stay silent. */
  silence_ms?: number;
}

/** The whole service in this process, on its own database and sandbox. Tests run its reconciler turn by turn. */
export const openService = async (options: OpenOptions = {}): Promise<OpenedService> => {
  const clock = options.clock ?? createTurnedClock();
  const mongodb_uri = options.mongodb_uri ?? uniqueDatabase();
  const sandbox = options.sandbox ?? (await openSandbox({ shelf: createMemoryShelf(), clock, port: 0 }));
  const config = readConfig({
    NODE_ENV: 'test',
    PROVIDER_TIMEOUT_SECONDS: '1',
    RATE_LIMIT_RPS: '100000',
    ANONYMOUS_RATE_LIMIT_RPS: '100000',
    ENCRYPTION_KEYS: TEST_KEYS,
    ...options.environment,
  });
  const logged: string[] = [];
  const write = (line: string) => {
    logged.push(line);
    showCause(line);
  };
  const connection = await connect(mongodb_uri, options);
  const service = await compose(config, {
    connection,
    mongodb_uri,
    clock,
    logging: createLogging(options.log_level ?? 'debug', { write }),
    encryption_keys: config.encryption_keys ?? new Map(),
    livekit: { ...sandbox.livekit, url: options.providers_url ?? sandbox.livekit.url },
    livekit_project: 'sandbox',
    twilio_api_url: options.providers_url ?? sandbox.url,
  });
  if (options.admin === undefined) await service.prepare(new AbortController().signal);
  service.serve();
  const api = await listen(service.app, {
    host: '127.0.0.1',
    port: 0,
    setting: 'PORT',
    connections: config,
  });
  const url = `http://127.0.0.1:${api.port}`;

  const newOrganization = async (name = 'Test') => {
    const api_key = drawApiKey();
    const made = await service.createOrganization({ name, raw_key: api_key, actor: { system: 'command_line' } });
    return createCaller({ url, apiKey: api_key, organizationId: made.organization_id });
  };

  const as = ({ api_key: apiKey, organization_id: organizationId }: Caller) =>
    createCaller({ url, apiKey, organizationId });

  const close = async () => {
    api.cut();
    await Promise.all([api.finish(), service.background.idle()]);
    await connection.close();
    if (options.sandbox === undefined) await sandbox.close();
  };

  return {
    ...service,
    url,
    config,
    clock,
    sandbox,
    connection,
    logged,
    admin: options.admin ? as(options.admin) : await newOrganization(),
    newOrganization,
    newKey: async ({ client, organization_id }, role) => {
      const { data } = await client.apiKeys.create.mutate({ name: role, role });
      return createCaller({ url, apiKey: data.raw_key, organizationId: organization_id });
    },
    integrate: async ({ client }, numbers, more) => {
      const { sid: account_sid, auth_token } = await seedAccount(sandbox.shelf, numbers, more);
      const credentials = { provider: 'twilio', account_sid, auth_token } as const;
      const { data } = await client.integrations.create.mutate({ name: 'Test', credentials });
      return { integration_id: data.integration_id, account_sid };
    },
    as,
    openReplica: (more) => openService({ ...options, clock, sandbox, mongodb_uri, ...more }),
    kill: () => {
      api.cut();
      void api.finish();
      void connection.close(true);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

export const TEST_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;

export const uniqueDatabase = (): string =>
  inject('mongodb_uri').replace('/trunkline?', `/test_${randomBytes(6).toString('hex')}?`);

export const createCaller = (options: { url: string; apiKey: string; organizationId: string }): Caller => {
  const { url, apiKey, organizationId } = options;
  let client: TrunklineClient | undefined;
  return {
    organization_id: organizationId as OrganizationId,
    api_key: apiKey,
    // Created on first use, because it needs a key.
    get client() {
      client ??= createTrunklineClient(options);
      return client;
    },
    rest: async (method, path, body, headers = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          'X-API-Key': apiKey,
          'X-Organization-Id': organizationId,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
    },
  };
};

let drawn = 0;
/** A US number that no other test of this file uses. */
export const drawNumber = (): string => `+1555${String(1_000_000 + drawn++)}`;
