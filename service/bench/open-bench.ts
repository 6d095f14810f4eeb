import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createTrunklineClient, type TrunklineClient } from '@trunkline/contracts';
import { systemClock } from '../src/clock.ts';
import { compose, type Service } from '../src/compose/index.ts';
import { readConfig } from '../src/config/index.ts';
import { type Connection, connect } from '../src/database/connect.ts';
import { listen } from '../src/http/serve.ts';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { createLogging } from '../src/telemetry/log.ts';

export interface Bench {
  url: string;
  providers_url: string;
  connection: Connection;
  api_key: string;
  organization_id: `org_${string}`;
  service: Service;
  client: TrunklineClient;
  /** Creates an integration with a new Twilio account. */
  integrate(): Promise<`intg_${string}`>;
  /** Returns a new number. */
  drawNumber(): string;
  /** Sets how long each call to a provider takes. */
  setDelay(ms: number): Promise<void>;
  /** Sets how many calls a second a Twilio account accepts; 0: no limit. */
  setLimit(calls_per_second: number): Promise<void>;
  close(): Promise<void>;
}

/** The whole service on a real database, as in production, with stand-in providers that cost nothing. */
export const openBench = async (mongodb_uri: string): Promise<Bench> => {
  const providers = fork(new URL('./providers.ts', import.meta.url));
  const [providers_url] = (await once(providers, 'message')) as [string];
  const connection = await connect(mongodb_uri);
  const config = readConfig({
    RATE_LIMIT_RPS: '1000000',
    MAX_INTEGRATIONS: '1000000',
    MAX_PHONE_NUMBERS: '1000000',
    NODE_ENV: 'test',
  });
  const api_secret = 'a-secret-of-more-than-thirty-two-letters';
  const service = await compose(config, {
    connection,
    mongodb_uri,
    clock: systemClock,
    // Lines are formatted as usual, then discarded.
    logging: createLogging('info', { write: () => {} }),
    encryption_keys: new Map([['bench', new Uint8Array(32)]]),
    livekit: { url: providers_url, api_key: 'bench', api_secret, sip_host: 'bench.sip.invalid' },
    livekit_project: 'bench',
    twilio_api_url: providers_url,
  });
  await service.prepare(new AbortController().signal);
  service.serve();
  const api = await listen(service.app, {
    host: '127.0.0.1',
    port: 0,
    setting: 'PORT',
    connections: config,
  });
  const url = `http://127.0.0.1:${api.port}`;
  const api_key = drawApiKey();
  const organization = await service.createOrganization({
    name: 'Bench',
    raw_key: api_key,
    actor: { system: 'command_line' },
  });
  const { organization_id } = organization;
  const client = createTrunklineClient({ url, apiKey: api_key, organizationId: organization_id });
  let accounts = 0;
  let numbers = 3_000_000;
  return {
    url,
    providers_url,
    connection,
    api_key,
    organization_id,
    service,
    client,
    integrate: async () => {
      const account_sid = `AC${String(accounts++).padStart(32, '0')}`;
      const credentials = { provider: 'twilio', account_sid, auth_token: 'token' } as const;
      return (await client.integrations.create.mutate({ name: 'Bench', credentials })).data.integration_id;
    },
    drawNumber: () => `+1415${numbers++}`,
    setLimit: async (calls) => void (await fetch(`${providers_url}/limit/${calls}`)),
    setDelay: async (ms) => void (await fetch(`${providers_url}/delay/${ms}`)),
    close: async () => {
      api.cut();
      await Promise.all([api.finish(), service.background.idle()]);
      await connection.close();
      providers.kill();
    },
  };
};
