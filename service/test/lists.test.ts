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

it.each([
  ['phone_number=+15551234567', 'must begin with a plus, which is %2B in a URL: phone_number=%2B15551234567'],
  ['phone_number_prefix=+1555', 'must begin with a plus, which is %2B in a URL: phone_number_prefix=%2B1555'],
  ['phone_number_prefix=1555', 'must be what a number in E.164 begins with: a plus and 1 to 15 digits, as in +1555'],
])('explains how to write the number in %s', async (query, message) => {
  const { status, body } = await caller.rest('GET', `/api/phone-numbers?${query}`);
  expect({ status, issues: body.issues }).toEqual({ status: 400, issues: [{ path: query.split('=')[0], message }] });
});

it('refuses the cursor of a list with another order', async () => {
  const reader = await service.newOrganization();
  for (let n = 0; n < 2; n++) await importSip(reader);
  const { list } = reader.client.phoneNumbers;
  const cursorOf = async (query: object) =>
    (await list.query({ page_size: 1, ...query })).pagination.next_cursor ?? undefined;
  const of_newest = await cursorOf({});
  const of_numbers = await cursorOf({ phone_number_prefix: '+1555' });
  for (const query of [{ phone_number_prefix: '+1555', cursor: of_newest }, { cursor: of_numbers }]) {
    await expect(list.query(query)).rejects.toThrow('cursor must be the next_cursor of the page before');
  }
});

describe('a list', () => {
  it('is read page by page, newest first, and keeps its place while rows are added and removed', async () => {
    const reader = await service.newOrganization();
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.unshift(await importSip(reader));
    const first = await reader.client.phoneNumbers.list.query({ page_size: 3 });
    expect(first.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(0, 3));
    expect(first.pagination).toEqual({
      next_cursor: expect.any(String),
      has_more: true,
      page_size: 3,
      total_count: null,
    });

    await importSip(reader);
    await service.connection.collection('phone_numbers').deleteOne({ phone_number_id: ids[2]! });
    const second = await reader.client.phoneNumbers.list.query({ page_size: 3, cursor: first.pagination.next_cursor! });
    expect(second.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(3, 6));
    const last = await reader.client.phoneNumbers.list.query({ page_size: 3, cursor: second.pagination.next_cursor! });
    expect(last.data.map(({ phone_number_id }) => phone_number_id)).toEqual(ids.slice(6));
    expect(last.pagination).toMatchObject({ next_cursor: null, has_more: false });
  });

  it('can be filtered by the fields of a number', async () => {
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

  it('has a total up to 10,000, and none beyond', async () => {
    const reader = await service.newOrganization();
    const rows = Array.from({ length: 10_001 }, (_, n) => ({
      integration_id: `intg_${n.toString(16).padStart(12, '0')}`,
      organization_id: reader.organization_id,
      queue: 'x',
      account_sid: `AC${n}`,
      holds: `AC${n}`,
      name: 'x',
      revision: 1,
      provider: 'twilio',
      status: 'active',
      credential_kind: 'auth_token',
      region: null,
      has_routing_credentials: false,
      call_transfers: 'disabled',
      credentials: 'sealed',
      carrier: { domain_name: 'x.pstn.twilio.com', username: 'x', password: 'sealed' },
      provisioning: { attempt: 0, uncertain_until: null, lease_token: null, parts: {} },
      created_at: new Date(),
      updated_at: new Date(),
    }));
    const integrations = service.connection.collection('integrations');
    await integrations.insertMany(rows.slice(0, 10_000));
    const total = async () =>
      (await reader.client.integrations.list.query({ page_size: 1, include_total: true })).pagination.total_count;
    expect(await total()).toBe(10_000);
    await integrations.insertMany(rows.slice(10_000));
    expect(await total()).toBeNull();
    await integrations.deleteMany({ organization_id: reader.organization_id });
  });
});

/** The commands that the service sends to a collection during `run`, from the database's profiler. */
const commandsOn = async (collection: string, run: () => Promise<unknown>) => {
  const db = service.connection.db!;
  await db.command({ profile: 2 });
  await run().finally(() => db.command({ profile: 0 }));
  const ns = `${db.databaseName}.${collection}`;
  const lines = await db.collection('system.profile').find({ ns }).toArray();
  await db.collection('system.profile').drop();
  return {
    finds: lines.filter(({ command }) => command.find),
    counts: lines.filter(({ command }) => command.aggregate),
  };
};

/** How the database answers this command. */
const explain = async ({ find, filter, sort, limit, hint }: Record<string, unknown>) => {
  const { queryPlanner, executionStats } = await service.connection.db!.command({
    explain: { find, filter, sort, limit, hint },
    verbosity: 'executionStats',
  });
  const { totalDocsExamined, totalKeysExamined } = executionStats;
  return { plan: JSON.stringify(queryPlanner.winningPlan), totalDocsExamined, totalKeysExamined };
};

/** The numbers of one organization, some of them released; another organization has as many. */
const HELD = 4000;
const PAGE = 20;

describe('a list of thousands of numbers', () => {
  const accounts = ['intg_aaaaaaaaaaaa', 'intg_bbbbbbbbbbbb'] as const;
  type Row = Record<string, unknown> & { phone_number: string };
  let reader: Caller;
  let rows: Row[];
  beforeAll(async () => {
    reader = await service.newOrganization();
    const other = await service.newOrganization();
    const phone_numbers = service.connection.collection('phone_numbers');
    const made = { phone_number_id: await importSip(reader) };
    const { _id, holds: _, ...like } = (await phone_numbers.findOne(made))!;
    await phone_numbers.deleteOne({ _id });
    const rowOf = ({ organization_id }: Caller, n: number, phone_number: string): Row => {
      const isTwilio = n % 3 === 0;
      const isAssigned = n % 10 === 0;
      const isHeld = n % 16 !== 15;
      return {
        ...like,
        organization_id,
        phone_number_id: `phon_${phone_number.slice(1).padStart(12, '0')}`,
        phone_number,
        provider: isTwilio ? 'twilio' : 'sip',
        ...(isTwilio && { integration_id: accounts[n % 2], former_routing: null }),
        status: isAssigned ? 'assigned' : 'free',
        assigned_agent_id: isAssigned ? (n % 100 === 0 ? 'night' : 'day') : null,
        label: n % 7 === 0 ? (n % 70 === 0 ? 'Front desk' : 'Sales, Berlin') : null,
        // Some that are gone hold their number again, because a resource of theirs was found.
        provisioning_state: !isHeld ? 'gone' : (['degraded', 'releasing', 'gone'][n % 97] ?? 'active'),
        ...(isHeld && { holds: phone_number }),
      };
    };
    // In two countries, so that the order of the numbers differs from that of the rows.
    rows = Array.from({ length: HELD }, (_, n) =>
      rowOf(reader, n, n % 2 === 0 ? `+1555${8_000_000 - n}` : `+4930${1_000_000 + n}`),
    );
    const others = Array.from({ length: HELD }, (_, n) => rowOf(other, n, `+1555${String(n).padStart(7, '0')}`));
    await phone_numbers.insertMany([...rows, ...others].map((row) => ({ ...row })) as never[]);
  });
  afterAll(() => service.connection.collection('phone_numbers').deleteMany({}));

  const isAsked =
    ({ phone_number_prefix = '+', ...fields }: Record<string, string>) =>
    (row: Row) =>
      row.holds !== undefined &&
      row.phone_number.startsWith(phone_number_prefix) &&
      Object.entries(fields).every(
        ([field, value]) => row[field] === value || (value === 'releasing' && row[field] === 'gone'),
      );
  const expected = (query: Record<string, string>) => {
    const found = rows.toReversed().filter(isAsked(query));
    const byNumber = (a: Row, b: Row) => (a.phone_number < b.phone_number ? -1 : 1);
    return 'phone_number_prefix' in query ? found.toSorted(byNumber) : found;
  };

  const filters: Record<string, string>[] = [
    {},
    { provider: 'sip' },
    { provider: 'twilio' },
    { integration_id: accounts[1] },
    { integration_id: accounts[1], provider: 'twilio' },
    { provisioning_state: 'active' },
    { provisioning_state: 'degraded' },
    { provisioning_state: 'importing' },
    { provisioning_state: 'releasing' },
    { assigned_agent_id: 'day' },
    { assigned_agent_id: 'night' },
    { assigned_agent_id: 'nobody' },
    { label: 'Sales, Berlin' },
    { label: 'Front desk' },
    { label: 'Sales' },
    { phone_number: '+15557999000' },
    { phone_number_prefix: '+1' },
    { phone_number_prefix: '+4930100' },
  ];
  const cases = filters.flatMap((filter) =>
    [{}, { status: 'free' }, { status: 'assigned' }].map((status) => {
      const query: Record<string, string> = { ...filter, ...status };
      return [new URLSearchParams(query).toString(), query] as const;
    }),
  );

  it.each(cases)('reads no more rows than its page and one: %s', async (_what, query) => {
    const found = expected(query).map(({ phone_number }) => phone_number);
    let cursor: string | undefined;
    for (const shown of [found.slice(0, PAGE), found.slice(PAGE, 2 * PAGE)]) {
      const search = new URLSearchParams({ ...query, page_size: String(PAGE), ...(cursor && { cursor }) });
      let body: { data: Row[]; pagination: { next_cursor: string | null; total_count: number | null } } | undefined;
      const { finds, counts } = await commandsOn('phone_numbers', async () => {
        ({ body } = await reader.rest('GET', `/api/phone-numbers?${search}`));
      });
      expect(body!.data.map(({ phone_number }) => phone_number)).toEqual(shown);
      expect(body!.pagination.total_count).toBeNull();
      expect(counts).toEqual([]);
      expect(finds).toHaveLength(1);
      const { plan, totalDocsExamined, totalKeysExamined } = await explain(finds[0]!.command);
      expect(plan).toContain('"keyPattern":{"organization_id":1');
      for (const stage of ['COLLSCAN', 'SORT"']) expect(plan).not.toContain(`"stage":"${stage}`);
      // As it ran for the request, and as it is planned now.
      for (const docs of [finds[0]!.docsExamined, totalDocsExamined]) expect(docs).toBeLessThanOrEqual(PAGE + 1);
      // Each branch of a merge has one key in hand.
      expect(totalKeysExamined).toBeLessThanOrEqual(shown.length + 9);
      cursor = body!.pagination.next_cursor ?? undefined;
      if (cursor === undefined) break;
    }
  });

  it.each(cases)('is counted without reading a row if the total is requested: %s', async (_what, query) => {
    const search = new URLSearchParams({ ...query, page_size: '1', include_total: 'true' });
    let total: unknown;
    const { counts } = await commandsOn('phone_numbers', async () => {
      total = (await reader.rest('GET', `/api/phone-numbers?${search}`)).body.pagination.total_count;
    });
    expect(total).toBe(expected(query).length);
    expect(counts.map(({ docsExamined }) => docsExamined)).toEqual([0]);
  });

  it('of an integration and another provider is empty, and reads no row', async () => {
    let body: unknown;
    const { finds } = await commandsOn('phone_numbers', async () => {
      ({ body } = await reader.rest('GET', `/api/phone-numbers?integration_id=${accounts[0]}&provider=sip`));
    });
    expect(body).toMatchObject({ data: [], pagination: { has_more: false, next_cursor: null } });
    expect(finds.map(({ docsExamined, keysExamined = 0 }) => docsExamined + keysExamined)).toEqual([0]);
  });

  it('applies all filters together', async () => {
    const query = { provider: 'sip', provisioning_state: 'degraded', phone_number_prefix: '+1' };
    const { body } = await reader.rest('GET', `/api/phone-numbers?${new URLSearchParams(query)}&page_size=100`);
    const found = expected(query).map(({ phone_number }) => phone_number);
    expect(found.length).toBeGreaterThan(0);
    expect(body.data.map(({ phone_number }: Row) => phone_number)).toEqual(found);
  });

  it('filtered by prefix keeps its place while numbers are added and removed', async () => {
    const all = expected({ phone_number_prefix: '+4930' }).map(({ phone_number }) => phone_number);
    const read = async (cursor?: string) =>
      reader.client.phoneNumbers.list.query({ phone_number_prefix: '+4930', page_size: 3, cursor });
    const first = await read();
    expect(first.data.map(({ phone_number }) => phone_number)).toEqual(all.slice(0, 3));
    const phone_numbers = service.connection.collection('phone_numbers');
    await phone_numbers.deleteOne({ phone_number: all[2]! });
    const before = `+4930${'0'.repeat(7)}`;
    const { _id, ...row } = (await phone_numbers.findOne({ phone_number: all[1]! }))!;
    await phone_numbers.insertOne({
      ...row,
      phone_number_id: `phon_${'f'.repeat(12)}`,
      phone_number: before,
      holds: before,
    });
    const second = await read(first.pagination.next_cursor!);
    expect(second.data.map(({ phone_number }) => phone_number)).toEqual(all.slice(3, 6));
  });
});

describe('the query plan', () => {
  it.each([
    ['integrations', 'integrations', 'integrations'],
    ['API keys', 'api-keys', 'api_keys'],
  ])(
    'of a list of %s uses an index that begins with the tenant, and reads no more rows than it answers',
    async (_what, path, collection) => {
      const { finds, counts } = await commandsOn(collection, () =>
        caller.rest('GET', `/api/${path}?page_size=5&include_total=true`),
      );
      expect(counts).toHaveLength(1);
      for (const { planSummary, docsExamined, nreturned, hasSortStage, command } of [...finds, ...counts]) {
        // `key_hash` identifies the caller; everything else belongs to the tenant.
        expect(planSummary).toMatch(/^(IXSCAN|COUNT_SCAN) \{ (organization_id|key_hash): 1/);
        expect(hasSortStage ?? false).toBe(false);
        expect(docsExamined).toBeLessThanOrEqual(command.find ? nreturned + 1 : 0);
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
