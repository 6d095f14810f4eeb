import { sep } from 'node:path';
import type { Caller } from '@trunkline/contracts';
import type { Service } from '../compose/index.ts';
import type { Config } from '../config/index.ts';
import type { Listening } from '../http/serve.ts';
import type { Sandbox } from '../sandbox/server.ts';
import type { EmbeddedMongod } from './mongod.ts';
import { openSample } from './sample.ts';

export interface Opened {
  config: Config;
  service: Service;
  api: Listening;
  metrics: Listening;
  mongod: EmbeddedMongod | undefined;
  sandbox: Sandbox | undefined;
  api_key: string | undefined;
}

/** What people at a terminal need first: addresses, what is embedded, their API key, and commands to paste. */
export const banner = async (opened: Opened): Promise<string> => {
  const { config, service, api, metrics, mongod, sandbox, api_key } = opened;
  const url = `http://127.0.0.1:${api.port}`;
  const twilio = config.twilio_api_url ?? 'https://api.twilio.com';
  // The Node that pnpm installed, so that an older one need not be replaced.
  const isOwnNode = process.execPath.split(sep).includes('node_modules');
  const parts: readonly (readonly [string, string])[] = [
    ['API', `${url}/api (REST), ${url}/trpc (tRPC)`],
    ['Reference', `${url}/docs`],
    ...(sandbox ? [['Sandbox', `${sandbox.url}/sandbox: open it to see what Twilio and LiveKit have`] as const] : []),
    ['Metrics', `http://127.0.0.1:${metrics.port}/metrics`],
    ['Database', mongod ? `embedded mongod ${mongod.version}, data in ${mongod.folder}` : 'at MONGODB_URI'],
    ['LiveKit', config.livekit ? config.livekit.url : 'sandbox: nothing real is called'],
    ['Twilio', sandbox ? 'sandbox: nothing real is called' : twilio],
    ...(isOwnNode ? [['Node', `${process.version}, from node_modules; your own stays as it is`] as const] : []),
  ];

  const identity = api_key && (await service.identify(api_key));
  if (!identity) {
    const otherwise =
      'This database already has organizations. Use one of their API keys, or create another organization:';
    const command = 'npx -y pnpm trunkline organizations create --name <name>';
    return lines('', 'Trunkline is ready.', '', ...table(parts), '', otherwise, '', `  ${command}`, '');
  }
  const { organization_id, key_id, role } = identity;
  const who = [
    ['Organization', organization_id],
    ['API key', `${api_key} (${role})`],
  ] as const;
  const post = (path: string, body: object) =>
    `  curl -sS ${url}/api${path} -H 'X-API-Key: ${api_key}' -H 'X-Organization-Id: ${organization_id}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;

  const caller: Caller = { organization_id, key_id, role, request_id: 'start' };
  const sample = sandbox && (await openSample(service.handlers, caller, sandbox.shelf));
  const first = sample
    ? ['Import a Twilio number:', '', post('/phone-numbers', { ...sample, ...both })]
    : ['Connect a Twilio account:', '', post('/integrations', yourAccount)];
  return lines(
    '',
    'Trunkline is ready.',
    '',
    ...table([...parts, ...who]),
    '',
    ...first,
    '',
    'Import a number behind a SIP trunk:',
    '',
    post('/phone-numbers', behindSipTrunk),
    '',
    'Press Ctrl-C to stop everything.',
    '',
  );
};

const both = { supports_inbound: true, supports_outbound: true };
const behindSipTrunk = {
  phone_number: '+15559876543',
  provider: 'sip',
  ...both,
  sip_server_address: 'sip.example.com',
  sip_username: 'user',
  sip_password: 'pass',
};
const yourAccount = {
  name: 'My Twilio account',
  credentials: { provider: 'twilio', account_sid: 'AC…', auth_token: '…' },
};

const lines = (...all: string[]): string => all.join('\n');
const table = (rows: readonly (readonly [string, string])[]): string[] =>
  rows.map(([name, fact]) => `  ${name.padEnd(14)}${fact}`);
