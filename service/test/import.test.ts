import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import { type Caller, drawNumber, type OpenedService, openService, type RestAnswer } from './open-service.ts';
import { readWorld, settle } from './world.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

type Ask = (input: unknown, headers?: Record<string, string>, as?: Caller) => Promise<RestAnswer>;

/** The import over both protocols. tRPC's error data is returned like a REST body. */
const protocols: Record<string, Ask> = {
  REST: (input, headers, as = caller) => as.rest('POST', '/api/phone-numbers', input, headers),
  tRPC: async (input, headers, as = caller) => {
    const answer = await as.rest('POST', '/trpc/phoneNumbers.import', input, headers);
    const { result, error } = answer.body;
    return { ...answer, body: error ? error.data : result.data };
  },
};

const both = { supports_inbound: true, supports_outbound: true };

const integrated = async (seed: object = {}, as = caller) => {
  const phone_number = drawNumber();
  const { integration_id, account_sid } = await service.integrate(as, [{ phone_number, ...seed }]);
  return {
    phone_number,
    integration_id,
    account_sid,
    input: { phone_number, provider: 'twilio', ...both, integration_id },
  };
};

for (const [protocol, ask] of Object.entries(protocols)) {
  describe(`the import over ${protocol}`, () => {
    it('answers the example in the reference for a Twilio number', async () => {
      const { phone_number, integration_id, input } = await integrated();
      const { body } = await ask(input);
      expect(body).toEqual({
        success: true,
        message: 'Phone number imported successfully with twilio',
        data: {
          phone_number_id: expect.stringMatching(/^phon_[0-9a-f]{12}$/),
          phone_number,
          revision: 1,
          provider: 'twilio',
          status: 'free',
          assigned_agent_id: null,
          ...{ agent_metadata: null, label: null, description: null },
          ...both,
          provisioning_state: 'active',
          inbound_trunk_id: expect.stringMatching(/^ST_/),
          dispatch_rule_id: expect.stringMatching(/^SDR_/),
          outbound_trunk_id: expect.stringMatching(/^ST_/),
          inbound_room_name: 'call',
          has_inbound_pin: false,
          integration_id,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          updated_at: expect.stringMatching(/Z$/),
        },
      });
    });

    it('answers the example in the reference for a SIP number, without the password', async () => {
      const phone_number = drawNumber();
      const input = {
        phone_number,
        provider: 'sip',
        ...both,
        sip_trunk_name: 'my-trunk',
        sip_server_address: 'sip.example.com',
        sip_username: 'user',
        sip_password: 'pass-of-the-test',
        media_encryption: 'require',
      };
      const { body } = await ask(input);
      expect(body).toMatchObject({
        success: true,
        message: 'Phone number imported successfully with sip',
        data: {
          phone_number,
          provider: 'sip',
          status: 'free',
          ...both,
          sip_trunk_name: 'my-trunk',
          sip_server_address: 'sip.example.com',
          sip_from_host: null,
          sip_username: 'user',
          has_sip_password: true,
          media_encryption: 'require',
          inbound_authentication: 'digest',
          sip_uri: `sip:${phone_number}@sandbox.sip.invalid`,
        },
      });
      expect(body.data).not.toHaveProperty('integration_id');
      expect(body.data).not.toHaveProperty('warnings');
      expect(JSON.stringify(body)).not.toContain('pass-of-the-test');
    });

    it('records a number with neither direction, and builds nothing', async () => {
      const { input } = await integrated();
      const before = service.sandbox.faults.calls.length;
      const { body } = await ask({ ...input, supports_inbound: undefined, supports_outbound: undefined });
      expect(body.data).toMatchObject({ supports_inbound: false, supports_outbound: false, inbound_trunk_id: null });
      expect(service.sandbox.faults.calls.slice(before)).toEqual(['twilio.listNumbers']);
    });

    it('warns if anybody may call in', async () => {
      const { body } = await ask({ phone_number: drawNumber(), provider: 'sip', supports_inbound: true });
      expect(body.data.warnings).toEqual([expect.stringContaining('Anyone')]);
    });

    it('warns if there are addresses and credentials, but callers need not authenticate', async () => {
      const input = {
        phone_number: drawNumber(),
        provider: 'sip',
        supports_inbound: true,
        allowed_addresses: ['203.0.113.7'],
        sip_username: 'user',
        sip_password: 'pass',
      };
      const { body } = await ask(input);
      expect(body.data).toMatchObject({ inbound_authentication: 'none' });
      expect(body.data.warnings).toEqual([
        expect.stringMatching(/address that a caller claims.*inbound_authentication to digest/),
      ]);
      const proven = { ...input, phone_number: drawNumber(), inbound_authentication: 'digest' };
      expect((await ask(proven)).body.data).not.toHaveProperty('warnings');
      const bare = { ...input, phone_number: drawNumber(), sip_username: undefined, sip_password: undefined };
      expect((await ask(bare)).body.data).not.toHaveProperty('warnings');
    });

    it('warns if outbound calls go to a private network', async () => {
      const sip = { provider: 'sip', supports_outbound: true };
      const { body } = await ask({ ...sip, phone_number: drawNumber(), sip_server_address: '192.168.1.20:5060' });
      expect(body.data.warnings).toEqual([expect.stringContaining('192.168.1.20:5060, which is not a public address')]);
    });

    it('in production refuses a carrier on the dialing machine, before any call to a provider', async () => {
      await using production = await openService({
        environment: {
          NODE_ENV: 'production',
          MONGODB_URI: 'mongodb://unused.invalid/trunkline',
          LIVEKIT_URL: 'wss://unused.invalid',
          LIVEKIT_API_KEY: 'unused',
          LIVEKIT_API_SECRET: 'unused',
          LIVEKIT_SIP_HOST: 'sip.unused.invalid',
        },
      });
      const sip = { provider: 'sip', supports_outbound: true };
      for (const sip_server_address of ['127.1', '2130706433:5060', '[::ffff:7f00:1]:5060', 'localhost.']) {
        const input = { ...sip, phone_number: drawNumber(), sip_server_address };
        const { status, body } = await production.admin.rest('POST', '/api/phone-numbers', input);
        expect({ status, code: body.code, issues: body.issues }).toEqual({
          status: 400,
          code: 'invalid_request',
          issues: [{ path: 'sip_server_address', message: expect.any(String) }],
        });
      }
      expect(production.sandbox.faults.calls).toEqual([]);
      const input = { ...sip, phone_number: drawNumber(), sip_server_address: '10.0.0.7' };
      expect((await production.admin.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
    });

    it('assigns at once if an agent is named', async () => {
      const { input } = await integrated();
      const { body } = await ask({ ...input, agent_id: 'reception' });
      expect(body.data).toMatchObject({ status: 'assigned', assigned_agent_id: 'reception' });
      const rule = (await readWorld(service)).rules.at(-1);
      expect(rule).toMatchObject({ roomConfig: { agents: [{ agentName: 'reception' }] } });
    });

    it('answers the first problem that applies, in a fixed order', async () => {
      const stranger = await service.newOrganization();
      const theirs = await integrated({}, stranger);
      const user = await service.newKey(caller, 'user');
      const unowned = { ...theirs.input, integration_id: 'intg_000000000000' };
      const large = JSON.stringify('x'.repeat(110_000));
      const anonymous = { 'X-API-Key': '', 'X-Organization-Id': '', 'Content-Type': 'text/plain' };
      const expectProblem = async (answer: Promise<RestAnswer>, status: number, code: string) => {
        const { status: told, body, headers } = await answer;
        expect(body).toMatchObject({
          success: false,
          status,
          code,
          type: `urn:trunkline:problem:${code}`,
          title: expect.any(String),
          detail: expect.any(String),
        });
        expect(told).toBe(status);
        expect(body.request_id).toBe(headers.get('x-request-id'));
      };

      await expectProblem(ask(large, anonymous), 413, 'body_too_large');
      await expectProblem(ask('{', anonymous), 401, 'unauthenticated');
      await expectProblem(ask('{', { ...anonymous, 'X-API-Key': 'tl_live_unknown' }), 401, 'unauthenticated');
      const noOrganization = { 'X-Organization-Id': '', 'Content-Type': 'text/plain' };
      await expectProblem(ask('{', noOrganization, user), 400, 'organization_required');
      const other = { 'X-Organization-Id': stranger.organization_id, 'Content-Type': 'text/plain' };
      await expectProblem(ask('{', other, user), 403, 'organization_mismatch');
      await expectProblem(ask('{', { 'Content-Type': 'text/plain' }, user), 403, 'permission_denied');
      await expectProblem(ask('{', { 'Content-Type': 'text/plain' }), 415, 'unsupported_media_type');
      await expectProblem(ask('{'), 400, 'invalid_request');
      await expectProblem(ask({ ...unowned, extra: 1 }), 400, 'invalid_request');
      await expectProblem(ask(unowned), 404, 'integration_not_found');
      await expectProblem(ask(theirs.input), 403, 'integration_of_another_organization');
    });

    it('answers 413 for a body that turns out too large while it streams', async () => {
      const stream = new ReadableStream({
        start(controller) {
          for (let chunk = 0; chunk < 120; chunk++) controller.enqueue(new TextEncoder().encode('"'.padEnd(1024, 'x')));
          controller.close();
        },
      });
      const path = protocol === 'REST' ? '/api/phone-numbers' : '/trpc/phoneNumbers.import';
      const headers = {
        'X-API-Key': caller.api_key,
        'X-Organization-Id': caller.organization_id,
        'Content-Type': 'application/json',
      };
      const response = await fetch(service.url + path, {
        method: 'POST',
        headers,
        body: stream,
        duplex: 'half',
      } as RequestInit);
      expect(response.status).toBe(413);
      expect(await response.text()).toContain('body_too_large');
    });

    it('names every invalid field at once, each with its path, including rules between fields', async () => {
      const { status, body } = await ask({
        phone_number: '5551234567',
        provider: 'sip',
        supports_outbound: true,
        sip_password: 'pass',
        inbound_pin: '12ab',
        inbound_room_name: '{caller}',
        allowed_addresses: ['203.0.113.7', 'not an address'],
        integration_id: 'intg_a1b2c3d4e5f6',
        mystery: 1,
      });
      expect(status).toBe(400);
      expect(body.issues.map(({ path }: { path: string }) => path).toSorted()).toEqual(
        [
          'allowed_addresses.1',
          'inbound_pin',
          'inbound_room_name',
          'integration_id',
          'mystery',
          'phone_number',
          'sip_server_address',
          'sip_username',
        ].toSorted(),
      );
      for (const { path } of body.issues) expect(body.detail).toContain(path);
    });

    it('names the missing fields of an empty request', async () => {
      const { body } = await ask({});
      expect(body.issues.map(({ path }: { path: string }) => path).toSorted()).toEqual(['phone_number', 'provider']);
    });

    it('answers 409 for a number that another organization holds, without naming it', async () => {
      const { input } = await integrated();
      expect((await ask(input)).status).toBe(protocol === 'REST' ? 201 : 200);
      const stranger = await service.newOrganization();
      const sip = { phone_number: input.phone_number, provider: 'sip', ...both, sip_server_address: 'sip.example.com' };
      const { status, body } = await ask(sip, {}, stranger);
      expect(status).toBe(409);
      expect(body.code).toBe('phone_number_taken');
      expect(JSON.stringify(body)).not.toMatch(new RegExp(`${caller.organization_id}|phon_`));
    });

    it('answers 409 with the id for a number that the same organization holds', async () => {
      const { input } = await integrated();
      const { data } = (await ask(input)).body;
      const { status, body } = await ask(input);
      expect(status).toBe(409);
      expect(body).toMatchObject({
        code: 'phone_number_taken',
        phone_number_id: data.phone_number_id,
        provisioning_state: 'active',
      });
    });

    it('answers what Twilio says about the account and the number', async () => {
      const refused = await integrated();
      const account = await service.sandbox.shelf.get<TwilioAccountState>('twilio.account', refused.account_sid);
      await service.sandbox.shelf.put('twilio.account', refused.account_sid, { ...account, status: 'suspended' });
      const suspended = await ask(refused.input);
      expect(suspended).toMatchObject({ status: 400, body: { code: 'provider_credentials_refused' } });
      const integration = () => caller.client.integrations.get.query({ integration_id: refused.integration_id });
      expect((await integration()).data.status).toBe('refused');
      await service.sandbox.shelf.put('twilio.account', refused.account_sid, { ...account, status: 'active' });
      expect((await ask(refused.input)).body.success).toBe(true);
      expect((await integration()).data.status).toBe('active');

      const owned = await integrated();
      expect(await ask({ ...owned.input, phone_number: drawNumber() })).toMatchObject({
        status: 400,
        body: { code: 'phone_number_not_owned' },
      });
      const mute = await integrated({ voice: false });
      expect(await ask(mute.input)).toMatchObject({ status: 400, body: { code: 'phone_number_without_voice' } });
    });

    it.each([
      ['', {}],
      [' that comes with an Idempotency-Key', { 'Idempotency-Key': `refused-${protocol}` }],
    ])('writes one event if it is refused and has made nothing%s', async (_, headers) => {
      const stranger = await service.newOrganization();
      const { input } = await integrated({}, stranger);
      const { status, body } = await ask({ ...input, phone_number: drawNumber() }, headers, stranger);
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'phone_number_not_owned' });
      await settle(service);
      const { organization_id } = stranger;
      const told = { organization_id, type: /^phone_number\./ };
      expect(await service.connection.collection('events').find(told).toArray()).toMatchObject([
        { type: 'phone_number.import_failed', changes: { code: 'phone_number_not_owned' } },
      ]);
    });

    it('answers 409 for a number routed elsewhere, unless told to replace that', async () => {
      const application = `AP${'1'.repeat(32)}`;
      for (const seed of [{ trunk_sid: `TK${'1'.repeat(32)}` }, { voice_application_sid: application }]) {
        const { input } = await integrated(seed);
        const { status, body } = await ask(input);
        expect({ status, code: body.code }).toEqual({ status: 409, code: 'number_routed_elsewhere' });
        expect(body.detail).toContain(Object.values(seed)[0]);
        const { data } = (await ask({ ...input, replace_existing_routing: true })).body;
        const { provisioning } = (await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id }))
          .data;
        expect(provisioning.former_routing).toMatchObject(seed);
      }
    });

    it('replaces a voice URL, and stores the former one', async () => {
      const { input } = await integrated({ voice_url: 'https://example.com/voice' });
      const { data } = (await ask(input)).body;
      const { provisioning } = (await caller.client.phoneNumbers.get.query({ phone_number_id: data.phone_number_id }))
        .data;
      expect(provisioning.former_routing).toMatchObject({ voice_url: 'https://example.com/voice', trunk_sid: null });
    });

    it('keeps the routing of a number that only dials out', async () => {
      const { input } = await integrated({ trunk_sid: `TK${'1'.repeat(32)}` });
      expect((await ask({ ...input, supports_inbound: false })).body.success).toBe(true);
      const number = (await readWorld(service)).numbers.find(({ phone_number }) => phone_number === input.phone_number);
      expect(number?.trunk_sid).toBe(`TK${'1'.repeat(32)}`);
    });

    it('names the foreign LiveKit trunk in the way, and changes neither that nor the number', async () => {
      for (const provider of ['twilio', 'sip']) {
        const { input, phone_number } = await integrated();
        const sipTrunkId = `ST_foreign${phone_number.slice(-4)}`;
        await service.sandbox.shelf.put('livekit.inbound_trunk', sipTrunkId, { sipTrunkId, numbers: [phone_number] });
        const sip = { phone_number, provider: 'sip', ...both, sip_server_address: 'sip.example.com' };
        const { status, body } = await ask(provider === 'sip' ? sip : input);
        expect({ status, code: body.code, trunk_id: body.trunk_id }).toEqual({
          status: 409,
          code: 'number_answered_elsewhere',
          trunk_id: sipTrunkId,
        });
        expect((await readWorld(service)).inbound.map((trunk) => trunk.sipTrunkId)).toContain(sipTrunkId);
        expect((await caller.client.phoneNumbers.list.query({ phone_number })).data).toEqual([]);
      }
    });

    it('says in Retry-After when to try again', async () => {
      const { input } = await integrated();
      service.sandbox.faults.add({ call: 'twilio.listNumbers', kind: 'answer', status: 503, times: 3 });
      const { status, headers, body } = await ask(input);
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'provider_unavailable' });
      expect(Number(headers.get('retry-after'))).toBe(body.retry_after_seconds);
      expect(body.detail).toMatch(/created for this request is rolled back/);
    });
  });
}

describe('GET /api/phone-numbers/{phone_number_id}', () => {
  it('shows every step, what it made, and when', async () => {
    const { input } = await integrated();
    const { data } = (await protocols.REST!(input)).body;
    const { body } = await caller.rest('GET', `/api/phone-numbers/${data.phone_number_id}`);
    expect(body.data.provisioning).toMatchObject({ state: 'active', attempt: 1, next_check_at: null });
    expect(body.data.provisioning.steps).toEqual(
      [
        ['verify_ownership', /^PN/],
        ['carrier_trunk', /^TK/],
        ['inbound_trunk', /^ST_/],
        ['dispatch_rule', /^SDR_/],
        ['outbound_trunk', /^ST_/],
        ['carrier_routing', /^PN/],
      ].map(([name, id]) => ({
        name,
        state: 'done',
        resource_id: expect.stringMatching(id as RegExp),
        at: expect.stringMatching(/Z$/),
      })),
    );
  });

  it('answers 404 for a number of another organization', async () => {
    const { input } = await integrated();
    const { data } = (await protocols.REST!(input)).body;
    const stranger = await service.newOrganization();
    const { status, body } = await stranger.rest('GET', `/api/phone-numbers/${data.phone_number_id}`);
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'phone_number_not_found' });
  });
});
