import type { IntegrationId } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../src/sandbox/faults.ts';
import { type SeededNumber, seedNumber } from '../src/sandbox/twilio-seed.ts';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { openGateway } from './gateway.ts';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { createTurnedClock } from './turned-clock.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const open = async (numbers: readonly SeededNumber[] = [{ phone_number: drawNumber() }], caller?: Caller) => {
  const owner = caller ?? (await service.newOrganization());
  const { integration_id, account_sid } = await service.integrate(owner, numbers);
  const read = (query = '') => owner.rest('GET', `/api/integrations/${integration_id}/available-numbers${query}`);
  return { owner, integration_id, account_sid, read };
};

const importing = (as: Caller, integration_id: IntegrationId, phone_number: string) =>
  as.rest('POST', '/api/phone-numbers', { phone_number, provider: 'twilio', supports_inbound: true, integration_id });

/** The calls to providers during `run`. */
const callsOf = async (run: () => Promise<unknown>) => {
  const before = service.sandbox.faults.calls.length;
  await run();
  return service.sandbox.faults.calls.slice(before);
};

const voice_url = 'https://user:first-secret@example.com/voice?token=second-secret';
const unrouted = {
  target: 'nothing',
  voice_url: null,
  voice_application_sid: null,
  trunk_sid: null,
  trunk_owner: null,
};

describe('the available numbers of an account', () => {
  it('show what they can do and what takes their calls, without its secrets', async () => {
    const [nowhere, by_url, by_application, on_trunk, silent] = Array.from({ length: 5 }, drawNumber) as [
      string,
      ...string[],
    ];
    const [trunk_sid, voice_application_sid] = [drawSid('TK'), drawSid('AP')];
    const { read, account_sid } = await open([
      { phone_number: nowhere, friendly_name: 'Front desk' },
      { phone_number: by_url!, voice_url },
      { phone_number: by_application!, voice_application_sid, voice_url },
      { phone_number: on_trunk!, trunk_sid },
      { phone_number: silent!, voice: false },
    ]);
    const caller_id = { sid: drawSid('PN'), account_sid, phone_number: drawNumber(), friendly_name: 'Proven' };
    await service.sandbox.shelf.put('twilio.caller_id', caller_id.sid, caller_id);

    const { status, body } = await read();
    expect(status).toBe(200);
    const told = Object.fromEntries(body.data.map((number: any) => [number.phone_number, number]));
    const capabilities = { voice: true, sms: true, mms: false, fax: false };
    const of = (phone_number: string | undefined, more: object) => ({
      phone_number,
      label: phone_number,
      capabilities,
      routing: unrouted,
      phone_number_id: null,
      voice_region: null,
      import_problem: null,
      ...more,
    });
    const masked = 'https://***@example.com/voice?***';
    const import_problem = 'number_routed_elsewhere';
    expect(told).toEqual({
      [nowhere]: of(nowhere, { label: 'Front desk' }),
      [by_url!]: of(by_url, { routing: { ...unrouted, target: 'voice_url', voice_url: masked } }),
      [by_application!]: of(by_application, {
        routing: { ...unrouted, target: 'voice_application', voice_url: masked, voice_application_sid },
        import_problem,
      }),
      [on_trunk!]: of(on_trunk, {
        routing: { ...unrouted, target: 'trunk', trunk_sid, trunk_owner: 'other' },
        import_problem,
      }),
    });
    expect(JSON.stringify(body) + service.logged.join('')).not.toMatch(/first-secret|second-secret/);
  });

  it('show the problem that an import of each would get', async () => {
    const stranger = await service.newOrganization();
    const numbers = Array.from({ length: 8 }, drawNumber);
    const [own, by_sip, of_another, answered, on_trunk, going, ours, free] = numbers as [string, ...string[]];
    const seeded = numbers.map((phone_number) => ({
      phone_number,
      ...(phone_number === on_trunk && { trunk_sid: drawSid('TK') }),
    }));
    const { owner, integration_id, read } = await open(seeded);
    const of_own = await importing(owner, integration_id, own);
    const of_sip = await owner.client.phoneNumbers.import.mutate({ phone_number: by_sip!, provider: 'sip' });
    const of_stranger = await stranger.client.phoneNumbers.import.mutate({
      phone_number: of_another!,
      provider: 'sip',
    });
    const sipTrunkId = 'ST_theirs';
    await service.sandbox.shelf.put('livekit.inbound_trunk', sipTrunkId, { sipTrunkId, numbers: [answered] });
    const of_going = await importing(owner, integration_id, going!);
    await service.connection
      .collection('phone_numbers')
      .updateOne({ phone_number: going! }, { $set: { provisioning_state: 'releasing' } });
    // On this integration's own trunk, but without a record.
    const twilio_numbers = await service.sandbox.shelf.list<any>('twilio.number');
    const { trunk_sid } = twilio_numbers.find((it) => it.phone_number === own);
    const number = twilio_numbers.find((it) => it.phone_number === ours);
    await service.sandbox.shelf.put('twilio.number', number.sid, { ...number, trunk_sid });

    const { body } = await read();
    const told = new Map<string, any>(body.data.map((number: any) => [number.phone_number, number]));
    expect([...told.keys()].toSorted()).toEqual(numbers.toSorted());
    const idOf = (phone_number: string | undefined) => told.get(phone_number!).phone_number_id;
    expect(idOf(own)).toBe(of_own.body.data.phone_number_id);
    expect(idOf(by_sip)).toBe(of_sip.data.phone_number_id);
    expect(idOf(going)).toBe(of_going.body.data.phone_number_id);
    expect(idOf(of_another)).toBeNull();
    expect(JSON.stringify(body)).not.toContain(of_stranger.data.phone_number_id);
    expect(JSON.stringify(body)).not.toContain(stranger.organization_id);
    expect(told.get(ours!).routing).toMatchObject({ target: 'trunk', trunk_sid, trunk_owner: 'integration' });

    const problems = Object.fromEntries(body.data.map((it: any) => [it.phone_number, it.import_problem]));
    expect(problems).toMatchObject({ [free!]: null, [ours!]: null, [answered!]: 'number_answered_elsewhere' });
    for (const phone_number of numbers) {
      const met = await importing(owner, integration_id, phone_number);
      expect({ phone_number, met: met.body.code ?? null }).toEqual({ phone_number, met: problems[phone_number] });
    }
  });

  it('show the quota problem if it is reached, except those that the organization has', async () => {
    const [imported, free] = [drawNumber(), drawNumber()];
    await using full = await openService({ environment: { MAX_PHONE_NUMBERS: '1' } });
    const { integration_id } = await full.integrate(full.admin, [{ phone_number: imported }, { phone_number: free }]);
    expect((await importing(full.admin, integration_id, imported)).status).toBe(201);
    const { data } = await full.admin.client.integrations.availableNumbers.query({ integration_id });
    const problems = data.map(({ phone_number, import_problem }) => [phone_number, import_problem]);
    expect(Object.fromEntries(problems)).toEqual({ [imported]: 'phone_number_taken', [free]: 'quota_reached' });
    for (const [phone_number, problem] of problems)
      expect((await importing(full.admin, integration_id, phone_number!)).body.code).toBe(problem);
  });

  it('are an empty list if the account has none', async () => {
    const { read } = await open([]);
    expect((await read()).body).toEqual({
      success: true,
      data: [],
      pagination: { next_cursor: null, has_more: false, page_size: 20, total_count: null },
    });
  });
});

describe('a page of available numbers', () => {
  it('with a hundred numbers costs two calls to providers', async () => {
    const { read } = await open(Array.from({ length: 101 }, () => ({ phone_number: drawNumber() })));
    let body: any;
    const calls = await callsOf(async () => ({ body } = await read('?page_size=100')));
    expect(calls).toEqual(['twilio.listNumbers', 'livekit.ListSIPInboundTrunk']);
    expect(body.data).toHaveLength(100);
    expect(body.pagination).toMatchObject({ has_more: true, page_size: 100, total_count: null });
  });

  it('shows the Region that handles calls with include=region, at one more call per number', async () => {
    const [here, there, silent] = [drawNumber(), drawNumber(), drawNumber()];
    const { read } = await open([
      { phone_number: here },
      { phone_number: there, voice_region: 'ie1' },
      { phone_number: silent, voice: false },
    ]);
    let body: any;
    const calls = await callsOf(async () => ({ body } = await read('?include=region')));
    const reads = ['twilio.fetchNumberRoute', 'twilio.fetchNumberRoute'];
    expect(calls.toSorted()).toEqual(['livekit.ListSIPInboundTrunk', ...reads, 'twilio.listNumbers']);
    const told = Object.fromEntries(
      body.data.map((it: any) => [it.phone_number, [it.voice_region, it.import_problem]]),
    );
    expect(told).toEqual({ [here]: ['us1', null], [there]: ['ie1', 'number_routed_elsewhere'] });
  });

  it('shows no Region if the credentials may not read it, and everything else', async () => {
    const { read, owner, integration_id } = await open();
    const answer = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.fetchNumberRoute', kind: 'answer', status: 401, body: answer });
    const { status, body } = await read('?include=region');
    expect({ status, data: body.data }).toMatchObject({
      status: 200,
      data: [{ voice_region: null, import_problem: null }],
    });
    const { data } = await owner.client.integrations.get.query({ integration_id });
    expect(data.status).toBe('active');
  });

  it('keeps its place while numbers are added and removed', async () => {
    const numbers = Array.from({ length: 7 }, () => ({ phone_number: drawNumber() }));
    const { read, account_sid } = await open(numbers);
    const own = () =>
      service.sandbox.shelf
        .list<{ sid: string; account_sid: string; phone_number: string }>('twilio.number')
        .then((all) => all.filter((it) => it.account_sid === account_sid));
    const bySid = async () => (await own()).toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
    const all = (await bySid()).map(({ phone_number }) => phone_number);
    const first = (await read('?page_size=3')).body;
    expect(first.data.map((it: any) => it.phone_number)).toEqual(all.slice(0, 3));

    const [, gone, last] = await bySid();
    for (const { sid } of [gone!, last!]) await service.sandbox.shelf.remove('twilio.number', sid);
    await seedNumber(service.sandbox.shelf, { sid: account_sid }, { phone_number: drawNumber() });
    const read_on: string[] = [];
    for (let cursor = first.pagination.next_cursor; cursor !== null; ) {
      const { body } = await read(`?page_size=3&cursor=${cursor}`);
      read_on.push(...body.data.map((it: any) => it.phone_number));
      cursor = body.pagination.next_cursor;
    }
    expect(read_on).toEqual(expect.arrayContaining(all.slice(3)));
    expect(new Set(read_on).size).toBe(read_on.length);
    for (const phone_number of all.slice(0, 3)) expect(read_on).not.toContain(phone_number);
  });

  it('is shorter if numbers without voice are left out, and the list continues', async () => {
    const { read } = await open([
      { phone_number: drawNumber(), voice: false },
      { phone_number: drawNumber(), voice: false },
    ]);
    const { body } = await read('?page_size=1');
    expect(body).toMatchObject({ data: [], pagination: { has_more: true, next_cursor: expect.any(String) } });
    const calls = await callsOf(() => read('?page_size=2'));
    expect(calls).toEqual(['twilio.listNumbers']);
  });

  it.each([
    ['page_size=101', 'page_size', 'must be a whole number from 1 to 100'],
    ['page_size=0', 'page_size', 'must be a whole number from 1 to 100'],
    ['cursor=abc', 'cursor', 'must be the next_cursor of the page before, with the same filters'],
    ['include=regions', 'include', 'must be region'],
    ['include_total=true', 'include_total', 'is not a field of this request'],
  ])('is refused for %s', async (query, path, message) => {
    const { read } = await open();
    const { status, body } = await read(`?${query}`);
    expect({ status, issues: body.issues }).toEqual({ status: 400, issues: [{ path, message }] });
  });

  it('answers 400 for the cursor of another account', async () => {
    const numbers = () => [{ phone_number: drawNumber() }, { phone_number: drawNumber() }];
    const { read, owner } = await open(numbers());
    const { next_cursor } = (await read('?page_size=1')).body.pagination;
    const { read: readOther } = await open(numbers(), owner);
    const calls = await callsOf(async () =>
      expect((await readOther(`?cursor=${next_cursor}`)).body).toMatchObject({
        status: 400,
        issues: [{ path: 'cursor' }],
      }),
    );
    expect(calls).toEqual([]);
  });
});

describe('a request for available numbers', () => {
  it('needs only the permission to read integrations', async () => {
    const { owner, integration_id } = await open();
    const user = await service.newKey(owner, 'user');
    expect((await user.client.integrations.availableNumbers.query({ integration_id })).data).toHaveLength(1);
  });

  it.each([
    ['another organization', async () => (await open()).integration_id],
    ['nobody', async () => 'intg_000000000000' as const],
  ])('of an integration of %s answers 404, and does not call Twilio', async (_whose, idOf) => {
    const integration_id = await idOf();
    const caller = await service.newOrganization();
    const calls = await callsOf(async () => {
      const { status, body } = await caller.rest('GET', `/api/integrations/${integration_id}/available-numbers`);
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'integration_not_found' });
    });
    expect(calls).toEqual([]);
  });
});

describe('a provider that fails', () => {
  const calls = ['twilio.listNumbers', 'livekit.ListSIPInboundTrunk', 'twilio.fetchNumberRoute'];
  const faults: [Pick<Fault, 'kind'> & Partial<Fault>, number, string][] = [
    [{ kind: 'answer', status: 503 }, 503, 'provider_unavailable'],
    [{ kind: 'answer', status: 429, retry_after_seconds: 7 }, 503, 'provider_unavailable'],
    [{ kind: 'answer', status: 400 }, 502, 'provider_error'],
    [{ kind: 'drop_before' }, 503, 'provider_unavailable'],
    [{ kind: 'hang_before' }, 504, 'provider_timeout'],
  ];
  const cells = calls.flatMap((call) => faults.map((fault) => [call, ...fault] as const));
  // Without permission to read the Region, the rest is answered.
  it.each(cells.filter(([call, _fault, status]) => call !== 'twilio.fetchNumberRoute' || status !== 502))(
    'at %s with %o is reported, and nothing is changed',
    async (call, fault, status, code) => {
      const { read } = await open();
      service.sandbox.faults.add({ call, ...fault });
      const { body } = await read('?include=region');
      expect({ status: body.status, code: body.code }).toEqual({ status, code });
      expect(body.detail).toContain('Nothing was changed.');
      // Until Retry-After has passed, the account is not called.
      service.clock.advance(7000);
      expect((await read()).status).toBe(200);
    },
  );

  it('because it no longer accepts the credentials is reported, also at the integration', async () => {
    const { read, owner, integration_id } = await open();
    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.listNumbers', kind: 'answer', status: 401, body });
    expect((await read()).body).toMatchObject({ status: 400, code: 'provider_credentials_refused' });
    const { data } = await owner.client.integrations.get.query({ integration_id });
    expect(data.status).toBe('refused');
  });

  it('by a list without its next page is not taken for the end of the list', async () => {
    const clock = createTurnedClock();
    await using gateway = await openGateway(clock);
    await using behind = await openService({ clock, sandbox: gateway.sandbox });
    const { integration_id } = await behind.integrate(behind.admin, [{ phone_number: drawNumber() }]);
    gateway.intercept = ({ url }, res) => {
      const next_page_uri = `${url.pathname}?Page=1`;
      res.writeHead(200, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify({ incoming_phone_numbers: [], next_page_uri }));
      return true;
    };
    const { body } = await behind.admin.rest('GET', `/api/integrations/${integration_id}/available-numbers`);
    expect(body).toMatchObject({ status: 502, code: 'provider_error' });
  });
});
