import { operations } from '@trunkline/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { sampleInput } from './sample-input.ts';
import { settle } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { LOG_LEVEL: 'trace' } });
});
afterAll(() => service.close());

/** Texts that must appear nowhere after they were sent. */
const secrets = {
  auth_token: 'MARKED-auth-token-0123456789',
  api_key_secret: 'MARKED-api-key-secret-012345',
  sip_password: 'MARKED-sip-password-01234567',
  inbound_pin: '8361940275',
};

it('keeps secrets out of answers, logs and the database, whichever route they are sent to and whatever it answers', async () => {
  const { admin, sandbox } = service;
  const seen: string[] = [];
  const send = async (method: string, path: string, body?: object, headers?: Record<string, string>) => {
    const answer = await admin.rest(method, path, body, headers);
    seen.push(JSON.stringify(answer.body), JSON.stringify([...answer.headers]));
    return answer;
  };
  const { auth_token, api_key_secret, sip_password, inbound_pin } = secrets;
  const account_sid = `AC${'1'.repeat(32)}`;
  const api_key = { sid: `SK${'2'.repeat(32)}`, secret: api_key_secret };
  await sandbox.shelf.put('twilio.account', account_sid, {
    sid: account_sid,
    auth_token,
    status: 'active',
    api_keys: [api_key],
  });
  await sandbox.shelf.put('twilio.number', 'PN1', {
    sid: `PN${'3'.repeat(32)}`,
    account_sid,
    phone_number: drawNumber(),
    capabilities: { voice: true },
  });

  const credentials = { provider: 'twilio', account_sid };
  const ways = [
    { kind: 'answer', status: 401 },
    { kind: 'answer', status: 500 },
    { kind: 'drop_after' },
    { kind: 'hang_before' },
    undefined,
  ] as const;
  for (const protocol of ['/api/integrations', '/trpc/integrations.create']) {
    for (const way of ways) {
      if (way) sandbox.faults.add({ ...way, times: 3, body: { message: `you sent ${auth_token}`, code: 1 } });
      await send(
        'POST',
        protocol,
        { name: 'By token', credentials: { ...credentials, auth_token } },
        { 'Idempotency-Key': `a${protocol}${way?.kind}` },
      );
      sandbox.faults.clear();
    }
  }
  await send('POST', '/api/integrations', {
    name: 'By key',
    credentials: { ...credentials, api_key_sid: api_key.sid, api_key_secret },
  });
  await send('POST', '/api/integrations', {
    name: 'Both',
    credentials: { ...credentials, auth_token, api_key_sid: api_key.sid, api_key_secret },
  });

  // A vendor may quote what it was sent in its refusal.
  const brought = {
    'livekit.CreateSIPInboundTrunk': sip_password,
    'livekit.CreateSIPDispatchRule': inbound_pin,
    'livekit.CreateSIPOutboundTrunk': sip_password,
  };
  for (const path of ['/api/phone-numbers', '/trpc/phoneNumbers.import']) {
    for (const [call, secret] of Object.entries(brought)) {
      for (const way of ways) {
        if (way)
          sandbox.faults.add({
            ...way,
            call,
            times: 3,
            body: { msg: `you sent ${secret}`, code: 'x' },
          });
        const input = {
          phone_number: drawNumber(),
          provider: 'sip',
          supports_inbound: true,
          supports_outbound: true,
          sip_server_address: 'sip.example.com',
        };
        await send(
          'POST',
          path,
          { ...input, sip_username: 'user', sip_password, inbound_pin },
          { 'Idempotency-Key': `${path}${call}${way?.kind}` },
        );
        sandbox.faults.clear();
      }
    }
    await send('POST', path, {
      provider: 'sip',
      sip_password,
      inbound_pin: `${inbound_pin}x`,
      phone_number: sip_password,
    });
    await send('POST', path, { provider: 'twilio', sip_password, mystery: { deep: { sip_password } } });
  }

  // Every other route, with secrets in fields where they do not belong.
  const own = { phone_number_id: 'phon_000000000000', integration_id: 'intg_000000000000', key_id: 'key_000000000000' };
  for (const [name, operation] of operations) {
    const misplaced = { ...sampleInput(name, operation, own), sip_password, auth_token, inbound_pin };
    const input = encodeURIComponent(JSON.stringify(misplaced));
    if (operation.kind === 'query') await send('GET', `/trpc/${name}?input=${input}`);
    else await send('POST', `/trpc/${name}`, misplaced);
    const path = operation.route.path.replaceAll(/\{([^}]+)\}/g, (_braces, field: string) => Reflect.get(own, field));
    if (operation.route.method === 'GET') await send('GET', `/api${path}?secret=${sip_password}`);
    else await send(operation.route.method, `/api${path}`, misplaced);
  }
  await send('GET', `/api/${sip_password}`);
  await settle(service);

  const rows = await Promise.all(
    (await service.connection.db!.listCollections().toArray()).map(({ name }) =>
      service.connection.collection(name).find().toArray(),
    ),
  );
  const places = { answers: seen.join('\n'), logs: service.logged.join('\n'), database: JSON.stringify(rows) };
  expect(service.logged.length).toBeGreaterThan(100);
  expect(places.database).toContain('phone_number_id');
  for (const [place, text] of Object.entries(places)) {
    for (const [name, secret] of Object.entries(secrets))
      expect(text.includes(secret), `${name} in ${place}`).toBe(false);
    expect(text.includes(admin.api_key), `the API key in ${place}`).toBe(false);
    expect(text, `a password made for Twilio in ${place}`).not.toMatch(/"password":"(?!ey)/);
  }
  // The stand-ins hold the secrets, so they did arrive.
  expect(JSON.stringify(await sandbox.shelf.list('livekit.inbound_trunk'))).toContain(sip_password);
  expect(JSON.stringify(await sandbox.shelf.list('livekit.dispatch_rule'))).toContain(inbound_pin);
}, 180_000);
