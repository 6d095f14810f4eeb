import type { Caller } from '@trunkline/contracts';
import type { Service } from './compose.ts';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import type { EmbeddedMongod } from './sandbox/mongod.ts';
import { openSample } from './sandbox/sample.ts';
import type { Sandbox } from './sandbox/server.ts';
import type { Listening } from './serve.ts';

export interface Opened {
  config: Config;
  service: Service;
  api: Listening;
  metrics: Listening;
  mongod: EmbeddedMongod | undefined;
  sandbox: Sandbox | undefined;
  api_key: string | undefined;
  say(line: string): void;
  log: Log;
}

/** Tells operators one line of log; and people at a terminal where it listens, what is embedded, and what to paste. */
export const welcome = async ({
  config,
  service,
  api,
  metrics,
  mongod,
  sandbox,
  api_key,
  say,
  log,
}: Opened): Promise<void> => {
  const { installation_id } = service;
  log.info(
    {
      port: api.port,
      metrics_port: metrics.port,
      installation_id,
      sandbox: sandbox !== undefined,
      embedded: mongod !== undefined,
    },
    'ready',
  );
  if (config.production) return;

  const url = `http://127.0.0.1:${api.port}`;
  const facts = [
    ['API', `${url}/api (REST), ${url}/trpc (tRPC)`],
    ['Reference', `${url}/docs`],
    ['Metrics', `http://127.0.0.1:${metrics.port}/metrics`],
    ['Database', mongod ? `embedded mongod ${mongod.version}, data in ${mongod.folder}` : 'MONGODB_URI'],
    ['LiveKit', config.livekit ? config.livekit.url : `sandbox, nothing real is called`],
    [
      'Twilio',
      sandbox ? `sandbox; what both hold: ${sandbox.url}/sandbox` : (config.twilio_api_url ?? 'https://api.twilio.com'),
    ],
  ];
  say(`\nTrunkline is ready.\n\n${facts.map(([name = '', fact]) => `  ${name.padEnd(13)}${fact}`).join('\n')}`);

  const identity = api_key && (await service.identify(api_key));
  if (!identity) return say('\nThe database has organizations already: use a key of theirs.\n');
  const { organization_id, key_id, role } = identity;
  say(`  ${'Organization'.padEnd(13)}${organization_id}\n  ${'API key'.padEnd(13)}${api_key} (${role})`);
  const caller: Caller = { organization_id, key_id, role, request_id: 'start' };
  const post = (path: string, body: object) =>
    `curl -sS ${url}/api${path} -H 'X-API-Key: ${api_key}' -H 'X-Organization-Id: ${organization_id}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;

  const directions = { supports_inbound: true, supports_outbound: true };
  const sip = {
    phone_number: '+15559876543',
    provider: 'sip',
    ...directions,
    sip_server_address: 'sip.example.com',
    sip_username: 'user',
    sip_password: 'pass',
  };
  if (sandbox) {
    const { integration_id, phone_number } = await openSample(service.handlers, caller, sandbox.shelf);
    say(
      `\nImport a Twilio number:\n\n  ${post('/phone-numbers', { phone_number, provider: 'twilio', ...directions, integration_id })}`,
    );
  } else {
    const credentials = { provider: 'twilio', account_sid: 'AC…', auth_token: '…' };
    say(`\nIntegrate a Twilio account:\n\n  ${post('/integrations', { name: 'My Twilio account', credentials })}`);
  }
  say(`\nImport a number behind a SIP trunk:\n\n  ${post('/phone-numbers', sip)}\n\nCtrl-C stops everything.\n`);
};
