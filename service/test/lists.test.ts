import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterAll(() => service.close());

const importSip = async (as: Caller, fields: object = {}) =>
  (await as.client.phoneNumbers.import.mutate({ phone_number: drawNumber(), provider: 'sip', ...fields })).data
    .phone_number_id;

it('tells whoever looks for a number with a bare plus in the URL how to write it', async () => {
  const { status, body } = await caller.rest('GET', '/api/phone-numbers?phone_number=+15551234567');
  expect({ status, issues: body.issues }).toEqual({
    status: 400,
    issues: [
      {
        path: 'phone_number',
        message: 'must begin with a plus, which is %2B in a URL: phone_number=%2B15551234567',
      },
    ],
  });
});

describe('a list', () => {
  it('is read page by page, the newest first, and holds its place while rows come and go', async () => {
    const reader = await service.newOrganization();
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.unshift(await importSip(reader));
    const first = await reader.client.phoneNumbers.list.query({ page_size: 3 });
    expect(first.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(0, 3));
    expect(first.pagination).toEqual({ next_cursor: expect.any(String), has_more: true, page_size: 3, total_count: 7 });

    await importSip(reader);
    await service.connection.collection('phone_numbers').deleteOne({ phone_number_id: ids[2]! });
    const second = await reader.client.phoneNumbers.list.query({ page_size: 3, cursor: first.pagination.next_cursor! });
    expect(second.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(3, 6));
    const last = await reader.client.phoneNumbers.list.query({ page_size: 3, cursor: second.pagination.next_cursor! });
    expect(last.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(6));
    expect(last.pagination).toMatchObject({ next_cursor: null, has_more: false });
  });

  it('is filtered by what numbers are', async () => {
    const reader = await service.newOrganization();
    const phone_number = drawNumber();
    const { integration_id } = await service.integrate(reader, [{ phone_number }]);
    const of = async (query: object) =>
      (await reader.client.phoneNumbers.list.query(query)).data.map((number) => number.phone_number_id);
    const sip = await importSip(reader);
    const assigned = await importSip(reader, { agent_id: 'reception' });
    const { data } = await reader.client.phoneNumbers.import.mutate({
      phone_number,
      provider: 'twilio',
      integration_id,
    });
    const twilio = data.phone_number_id;
    expect(await of({})).toEqual([twilio, assigned, sip]);
    expect(await of({ provider: 'sip' })).toEqual([assigned, sip]);
    expect(await of({ provider: 'twilio' })).toEqual([twilio]);
    expect(await of({ status: 'assigned' })).toEqual([assigned]);
    expect(await of({ status: 'free', provider: 'sip' })).toEqual([sip]);
    expect(await of({ integration_id })).toEqual([twilio]);
    expect(await of({ integration_id, provider: 'sip' })).toEqual([]);
    expect(await of({ phone_number })).toEqual([twilio]);
  });

  it('counts to 10,000, and tells no total beyond', async () => {
    const reader = await service.newOrganization();
    const rows = Array.from({ length: 10_001 }, (_, n) => ({
      integration_id: `intg_${n.toString(16).padStart(12, '0')}`,
      organization_id: reader.organization_id,
      queue: 'x',
      account_sid: `AC${n}`,
      name: 'x',
      provider: 'twilio',
      status: 'active',
      credential_kind: 'auth_token',
      region: null,
      credentials: 'sealed',
      carrier: { domain_name: 'x.pstn.twilio.com', username: 'x', password: 'sealed' },
      provisioning: { attempt: 0, uncertain_until: null, lease_token: null, parts: {} },
      created_at: new Date(),
      updated_at: new Date(),
    }));
    const integrations = service.connection.collection('integrations');
    await integrations.insertMany(rows.slice(0, 10_000));
    const total = async () => (await reader.client.integrations.list.query({ page_size: 1 })).pagination.total_count;
    expect(await total()).toBe(10_000);
    await integrations.insertMany(rows.slice(10_000));
    expect(await total()).toBeNull();
    await integrations.deleteMany({ organization_id: reader.organization_id });
  });
});

describe('the query plan', () => {
  /** The commands that the service sends while `run` is under way. */
  const commandsOf = async (run: () => Promise<unknown>) => {
    const db = service.connection.db!;
    await db.command({ profile: 2 });
    await run();
    await db.command({ profile: 0 });
    const lines = await db
      .collection('system.profile')
      .find({ ns: { $not: /system\.profile/ } })
      .toArray();
    await db.collection('system.profile').drop();
    return lines.filter(({ op, command }) => op === 'query' || command.aggregate);
  };

  it.each([
    ['phone numbers', 'phone_numbers', (as: Caller) => as.rest('GET', '/api/phone-numbers?page_size=5')],
    ['free ones', 'phone_numbers', (as: Caller) => as.rest('GET', '/api/phone-numbers?status=free&page_size=5')],
    ['of a provider', 'phone_numbers', (as: Caller) => as.rest('GET', '/api/phone-numbers?provider=sip&page_size=5')],
    [
      'of both',
      'phone_numbers',
      (as: Caller) => as.rest('GET', '/api/phone-numbers?provider=sip&status=assigned&page_size=5'),
    ],
    [
      'of an integration',
      'phone_numbers',
      (as: Caller) => as.rest('GET', '/api/phone-numbers?integration_id=intg_a1b2c3d4e5f6&page_size=5'),
    ],
    [
      'by number',
      'phone_numbers',
      (as: Caller) => as.rest('GET', '/api/phone-numbers?phone_number=%2B15551234567&page_size=5'),
    ],
    ['integrations', 'integrations', (as: Caller) => as.rest('GET', '/api/integrations?page_size=5')],
    ['API keys', 'api_keys', (as: Caller) => as.rest('GET', '/api/api-keys?page_size=5')],
  ])(
    'of a list (%s) uses an index, the tenant first, and looks at no more rows than it answers',
    async (what, collection, list) => {
      for (let n = 0; n < 30; n++) await importSip(caller, n % 3 === 0 ? { agent_id: 'x' } : {});
      const commands = (await commandsOf(() => list(caller))).filter(({ ns }) => ns.endsWith(`.${collection}`));
      expect(commands.length).toBeGreaterThanOrEqual(2);
      for (const { planSummary, docsExamined, nreturned, hasSortStage, command } of commands) {
        expect(planSummary).toMatch(/^IXSCAN/);
        expect(planSummary).not.toMatch(/COLLSCAN/);
        // `key_hash` is how the caller is known; everything else is the tenant's own.
        expect(planSummary).toMatch(/\{ (organization_id|holds|key_hash): 1/);
        // A number is one row at most, which is in order by itself.
        if (what !== 'by number') expect(hasSortStage ?? false).toBe(false);
        if (command.find) expect(docsExamined).toBeLessThanOrEqual(nreturned + 1);
      }
    },
  );

  it.each([
    [
      'due records',
      { 'provisioning.due_at': { $lte: new Date() }, 'provisioning.lease_token': null },
      'provisioning.due_at',
    ],
    ['one number', { organization_id: 'org_x', phone_number_id: 'phon_x' }, 'phone_number_id'],
  ])('of %s uses an index', async (_what, filter, field) => {
    const plan = await service.connection.collection('phone_numbers').find(filter).explain();
    const text = JSON.stringify(plan.queryPlanner.winningPlan);
    expect(text).toContain('IXSCAN');
    expect(text).toContain(field);
  });
});
