import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collections } from '../src/compose/collections.ts';
import { connect, databaseOf } from '../src/database/connect.ts';
import { nameOf } from '../src/database/indexes.ts';
import { createSecrets } from '../src/database/secrets.ts';
import { schemaOf } from '../src/database/upgrade.ts';
import { upgrades } from '../src/database/upgrades.ts';
import { openSandbox } from '../src/sandbox/server.ts';
import { createDatabaseShelf } from '../src/sandbox/shelf.ts';
import { type Access, type Dump, loadDump, readDump } from './fixtures/load.ts';
import { type Caller, createCaller, type OpenedService, openService, uniqueDatabase } from './open-service.ts';
import { createTurnedClock } from './turned-clock.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

/** The phone numbers of test/fixtures/schema-1/README.md, by their last two digits. */
const fates = {
  active: '01 02 03 04 05 06 07 08 09 10 11 12 13 15 17 18 19 20 21 25 26 28'.split(' '),
  gone: '14 16 22 23 24 27 29'.split(' '),
};
/** A failed check erased its sid while it was on our trunk. */
const ERASED = '+15552000016';
const number = (digits: string) => `+155520000${digits}`;

describe('a database that schema 1 filled', () => {
  let dump: Dump;
  let access: Access;
  let service: OpenedService;
  const callers = {} as Record<'acme' | 'globex', Caller>;
  const closing = new AsyncDisposableStack();

  beforeAll(async () => {
    ({ dump, access } = await readDump('schema-1'));
    const mongodb_uri = uniqueDatabase();
    await loadDump(dump, mongodb_uri);
    const clock = createTurnedClock();
    const shelved = closing.adopt(await connect(mongodb_uri), (it) => it.close());
    const shelf = createDatabaseShelf(shelved);
    const sandbox = closing.adopt(await openSandbox({ shelf, clock, port: 0 }), (it) => it.close());
    const environment = { ENCRYPTION_KEYS: access.encryption_keys };
    service = closing.use(await openService({ mongodb_uri, clock, sandbox, environment }));
    for (const name of ['acme', 'globex'] as const) {
      const { organization_id: organizationId, api_key: apiKey } = access.callers[name];
      callers[name] = createCaller({ url: service.url, apiKey, organizationId });
    }
  });
  afterAll(() => closing.disposeAsync());

  const rowsOf = (collection: string, caller: Caller) =>
    dump.collections[collection]!.rows.filter(({ organization_id }) => organization_id === caller.organization_id);
  const send = (name: string, { api_key, organization_id }: Caller = callers.acme) => {
    const { path = '/api/phone-numbers', body, idempotency_key } = requestOf(name);
    const caller = createCaller({ url: service.url, apiKey: api_key, organizationId: organization_id });
    return caller.rest('POST', path, body, { 'Idempotency-Key': idempotency_key });
  };
  const requestOf = (name: string) => access.requests.find(({ idempotency_key }) => idempotency_key === name)!;
  const find = async (phone_number: string) => {
    for (const { client } of Object.values(callers)) {
      const { data } = await client.phoneNumbers.list.query({ phone_number });
      if (data[0]) return data[0];
    }
    return undefined;
  };

  it('can be read completely', async () => {
    for (const caller of Object.values(callers)) {
      const { data: numbers } = await caller.client.phoneNumbers.list.query({ page_size: 100 });
      expect(numbers.map(({ phone_number }) => phone_number).toSorted()).toEqual(
        rowsOf('phone_numbers', caller)
          .map((row) => row.phone_number)
          .toSorted(),
      );
      for (const { phone_number_id } of numbers) {
        const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
        expect(data.provisioning.steps.length).toBeGreaterThan(0);
      }
      const { data: integrations } = await caller.client.integrations.list.query();
      expect(integrations.map(({ name }) => name).toSorted()).toEqual(
        rowsOf('integrations', caller)
          .map(({ name }) => name)
          .toSorted(),
      );
      const { data: keys } = await caller.client.apiKeys.list.query();
      expect(keys.map(({ key_id }) => key_id).toSorted()).toEqual(
        rowsOf('api_keys', caller)
          .map(({ key_id }) => key_id)
          .toSorted(),
      );
    }
  });

  it('has exactly the indexes that are defined now', async () => {
    for (const { name, indexes } of collections) {
      const built = await databaseOf(service.connection).collection(name).indexes();
      expect(built.map((index) => index.name).toSorted()).toEqual(['_id_', ...indexes.map(nameOf)].toSorted());
    }
  });

  it('still accepts its API keys, except those that no longer work', async () => {
    const statusOf = async (apiKey: string) => {
      const { organization_id: organizationId } = callers.acme;
      return (await createCaller({ url: service.url, apiKey, organizationId }).rest('GET', '/api/me')).status;
    };
    const { reader, expired, revoked } = access.keys_of_acme;
    expect(await Promise.all([reader, expired, revoked].map(statusOf))).toEqual([200, 401, 401]);
  });

  it.each(['answered-with-the-older-key', 'answered', 'refused'])(
    'replays the stored answer to the request %s',
    async (name) => {
      const { body } = await send(name);
      const { answer } = requestOf(name);
      // The title always comes from the current code.
      const { request_id, title } = body;
      expect(body).toMatchObject({ ...answer, ...(request_id && { request_id, title }) });
    },
  );

  it('replays no answer that contained a raw key, whichever key asks', async () => {
    const { status, body } = await send('a-key-was-created');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'answer_not_kept' });
  });

  it("can no longer be started by the code that filled it, which takes it for another project's", async () => {
    const found = await service.connection.collection('installations').findOne({});
    expect(found).toMatchObject({ project: 'sandbox', schema: schemaOf(upgrades) });
    expect(found?.livekit_project).toContain('a later version of Trunkline');
  });

  it('still knows which request is under way', async () => {
    const { status, body } = await send('under-way');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'idempotency_key_in_use' });
  });

  it('decrypts its secrets with its key ring, whichever key encrypted them', async () => {
    const { open } = createSecrets(service.config.encryption_keys!);
    const opened = await Promise.all([
      ...dump.collections.phone_numbers!.rows.flatMap((row) =>
        ['inbound_pin', 'sip_password']
          .filter((field) => row[field])
          .map((field) => open(row[field], `phone_numbers/${row.phone_number_id}/${field}`)),
      ),
      ...dump.collections.integrations!.rows.flatMap((row) => [
        open(row.credentials, `integrations/${row.integration_id}/credentials`),
        open(row.carrier.password, `integrations/${row.integration_id}/carrier_password`),
      ]),
    ]);
    expect(opened).toEqual(expect.arrayContaining(['2468', 'a-sip-password']));
  });

  describe('once its reconciler has finished', () => {
    beforeAll(() => settle(service));

    it('has only active numbers, and those that are gone', async () => {
      for (const digits of fates.active) {
        expect({ digits, state: (await find(number(digits)))?.provisioning_state }).toEqual({
          digits,
          state: 'active',
        });
      }
      for (const digits of fates.gone) expect({ digits, found: await find(number(digits)) }).toEqual({ digits });
    });

    it('has completed every assignment that was under way', async () => {
      const agents = ['01', '07', '08', '09', '10'].map(async (it) => (await find(number(it)))?.assigned_agent_id);
      expect(await Promise.all(agents)).toEqual(['reception', 'sales', 'support', null, 'support']);
      const { rules } = await readWorld(service);
      const ofNumber = async (digits: string) => {
        const rule = (await find(number(digits)))?.dispatch_rule_id;
        return JSON.stringify(rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === rule));
      };
      for (const digits of ['08', '10']) expect(await ofNumber(digits)).toContain('"agentName":"support"');
      expect(await ofNumber('09')).not.toContain('agentName');
    });

    it('still knows the former routing of its numbers', async () => {
      for (const [digits, voice_url] of [
        ['02', 'https://example.com/voice'],
        ['13', 'https://example.com/before/0013'],
        ['15', 'https://example.com/before/0015'],
      ] as const) {
        const { phone_number_id } = (await find(number(digits)))!;
        const { data } = await callers.acme.client.phoneNumbers.get.query({ phone_number_id });
        expect(data.provisioning).toMatchObject({ former_routing: { voice_url } });
      }
    });

    it('has encrypted the former routing of its numbers', async () => {
      expect(dump.collections.phone_numbers!.rows.some((row) => row.former_routing?.voice_url)).toBe(true);
      const inClear = { former_routing: { $type: 'object' } } as const;
      expect(await service.connection.collection('phone_numbers').countDocuments(inClear)).toBe(0);
    });

    it('has restored the routing of a number whose sid was erased', async () => {
      const owned = (await readWorld(service)).numbers.find(({ phone_number }) => phone_number === ERASED);
      expect(owned).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/before/0016' });
    });

    it('has left nothing at the providers that no record names', async () => {
      await expectWholeWorld(service);
    });

    it.each([
      ['abandoned', '21'],
      ['under-way', '20'],
    ])('answers the request %s with the number that it imported', async (name, digits) => {
      service.clock.advance(3_600_000);
      const { status, body } = await send(name);
      expect({ status, phone_number: body.data?.phone_number }).toEqual({ status: 201, phone_number: number(digits) });
    });

    it('updates a rule whose PIN was encrypted with the older key', async () => {
      const { phone_number_id, dispatch_rule_id } = (await find(number('01')))!;
      await callers.acme.client.phoneNumbers.unassign.mutate({ phone_number_id });
      const { rules } = await readWorld(service);
      const rule = rules.find(({ sipDispatchRuleId }) => sipDispatchRuleId === dispatch_rule_id);
      expect(JSON.stringify(rule)).toContain('"pin":"2468"');
    });

    it('can release every number, and restores each former routing', async () => {
      for (const caller of Object.values(callers)) {
        const { data } = await caller.client.phoneNumbers.list.query({ page_size: 100 });
        const routings = new Map<string, object | undefined>();
        for (const { phone_number_id, phone_number } of data) {
          const { data: detail } = await caller.client.phoneNumbers.get.query({ phone_number_id });
          const { status, body } = await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}?force=true`);
          const { former_routing } = { former_routing: undefined, ...detail.provisioning };
          // If that trunk is gone, the answer has a warning.
          routings.set(phone_number, body.data.warnings ? undefined : former_routing);
          expect({ status, ...body.data }, phone_number).toMatchObject({ status: 200, provisioning_state: 'released' });
        }
        const { numbers } = await readWorld(service);
        for (const { phone_number = '', trunk_sid } of numbers.filter((it) => routings.has(it.phone_number ?? ''))) {
          const former = routings.get(phone_number);
          expect(trunk_sid, phone_number).toBe((former && Reflect.get(former, 'trunk_sid')) ?? null);
        }
      }
      await expectWholeWorld(service);
    });
  });
});
