import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { putRoute } from '../src/sandbox/twilio-routes.ts';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { kindIn, type Thing } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { settle, uncertainNow } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const tokens = { ie1: 'e'.repeat(32), au1: 'a'.repeat(32) };

const prepare = async () => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const account = await seedAccount(service.sandbox.shelf, [{ phone_number }], { regional_tokens: tokens });
  const integrate = (region: 'us1' | 'ie1' | 'au1' | undefined, auth_token: string) =>
    caller.client.integrations.create.mutate({
      name: 'Test',
      credentials: { provider: 'twilio', account_sid: account.sid, auth_token, ...(region && { region }) },
    });
  return { caller, phone_number, account, integrate };
};

type Region = 'us1' | 'ie1' | 'au1';

/** A number, and an integration of a Region, which may be another than the number's. */
const prepareImport = async ({
  region = 'ie1',
  voice_region,
  routing = region !== 'us1',
}: {
  region?: 'us1' | 'ie1';
  voice_region?: Region;
  routing?: boolean;
} = {}) => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const seeded = { phone_number, ...(voice_region && { voice_region }) };
  const account = await seedAccount(service.sandbox.shelf, [seeded], { regional_tokens: tokens });
  const auth_token = region === 'us1' ? account.auth_token : tokens[region];
  const credentials = { provider: 'twilio', account_sid: account.sid, auth_token, region } as const;
  const [key] = account.api_keys;
  const ofUs1 = { routing_credentials: { api_key_sid: key!.sid, api_key_secret: key!.secret } };
  const { data } = await caller.client.integrations.create.mutate({
    name: 'Test',
    credentials: { ...credentials, ...(routing && ofUs1) },
  });
  const importing = (more: object = {}) =>
    caller.rest('POST', '/api/phone-numbers', {
      ...{ phone_number, provider: 'twilio', supports_inbound: true, integration_id: data.integration_id },
      ...more,
    });
  const { shelf } = service.sandbox;
  const regionNow = async () =>
    (await shelf.get<{ voice_region: string }>('twilio.route', phone_number))?.voice_region ?? null;
  const setRegion = (region: Region) => putRoute(shelf, phone_number, region);
  const trunkOfNumber = async (region: Region) =>
    (await shelf.list<Thing>(kindIn(region, 'number'))).find((it) => it.phone_number === phone_number)?.trunk_sid;
  const regionOfTrunk = async () => {
    const trunks = await shelf.list<Thing>(kindIn(region, 'trunk'));
    const domain_name = String(trunks.find((it) => it.account_sid === account.sid)?.domain_name);
    return (await shelf.get<{ voice_region: string }>('twilio.route', domain_name))?.voice_region ?? null;
  };
  const list = async () => (await caller.client.phoneNumbers.list.query({ phone_number })).data;
  return { caller, phone_number, data, importing, regionNow, setRegion, trunkOfNumber, regionOfTrunk, list };
};

const replacing = { replace_existing_routing: true };

/** A number whose calls were in another Region until its import. */
const importMoved = async (options: Parameters<typeof prepareImport>[0]) => {
  const prepared = await prepareImport(options);
  const { phone_number_id } = (await prepared.importing(replacing)).body.data;
  return { ...prepared, phone_number_id, path: `/api/phone-numbers/${phone_number_id}` };
};

describe('an account', () => {
  it('can have one integration in each Region', async () => {
    const { account, integrate } = await prepare();
    const made = [
      await integrate(undefined, account.auth_token),
      await integrate('ie1', tokens.ie1),
      await integrate('au1', tokens.au1),
    ];
    expect(made.map(({ data }) => data.region)).toEqual([null, 'ie1', 'au1']);
    for (const [region, token] of [
      ['us1', account.auth_token],
      ['ie1', tokens.ie1],
    ] as const) {
      const again = await integrate(region, token).catch(problemIn);
      const detail = expect.stringContaining(`in the Region ${region}`);
      expect(again).toMatchObject({ code: 'integration_already_exists', detail });
    }
  });

  it('is told which Region refuses its credentials', async () => {
    const { account, integrate } = await prepare();
    const refused = await integrate('ie1', account.auth_token).catch(problemIn);
    const detail = expect.stringContaining('in the Region ie1');
    expect(refused).toMatchObject({ code: 'provider_credentials_refused', detail });
  });
});

describe('an import into a Region with routing_credentials', () => {
  it('shows that there are some, and never what they are', async () => {
    const { caller, data } = await prepareImport();
    expect(data.has_routing_credentials).toBe(true);
    const { body } = await caller.rest('GET', `/api/integrations/${data.integration_id}`);
    expect(JSON.stringify(body)).not.toContain('secret"');
    expect(body.data.routing_credentials).toBeUndefined();
  });

  it('answers 409 if Twilio handles the number in another Region, and leaves nothing', async () => {
    for (const voice_region of [undefined, 'us1', 'au1'] as const) {
      const { importing, regionNow, list, trunkOfNumber } = await prepareImport(voice_region && { voice_region });
      const { status, body } = await importing();
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'number_routed_elsewhere' });
      expect(body.detail).toContain(`in its Region ${voice_region ?? 'us1'}, and this integration is of ie1`);
      await settle(service);
      expect([await list(), await regionNow(), await trunkOfNumber('ie1')]).toEqual([[], voice_region ?? null, null]);
    }
  });

  it('leaves a number in its Region if it is the right one', async () => {
    const { importing, regionNow, caller } = await prepareImport({ voice_region: 'ie1' });
    const { status, body } = await importing();
    expect({ status, warnings: body.data.warnings }).toEqual({ status: 201, warnings: undefined });
    const { phone_number_id } = body.data;
    const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(data.provisioning.steps.map(({ name }) => name)).not.toContain('carrier_region');
    const released = await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    expect(released.data.warnings).toBeUndefined();
    expect(await regionNow()).toBe('ie1');
  });

  it.each([
    ['us1', 'us1'],
    ['au1', 'au1'],
    [undefined, 'us1'],
  ] as const)(
    'moves a number from %s after routing it, says how long that takes, and moves it back',
    async (was, back) => {
      const { importing, regionNow, caller, trunkOfNumber } = await prepareImport(was && { voice_region: was });
      const begun = service.sandbox.faults.calls.length;
      const { status, body } = await importing(replacing);
      expect({ status, warnings: body.data.warnings }).toEqual({
        status: 201,
        warnings: [expect.stringContaining("moved to Twilio's Region ie1")],
      });
      expect(service.sandbox.faults.calls.slice(begun).slice(-2)).toEqual([
        'twilio.updateNumber',
        'twilio.updateNumberRoute',
      ]);
      expect([await regionNow(), await trunkOfNumber('ie1')]).toEqual(['ie1', expect.stringMatching(/^TK/)]);
      const { phone_number_id } = body.data;
      const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
      expect(data.provisioning).toMatchObject({ former_routing: { voice_region: was ?? 'us1' } });
      expect(data.provisioning.steps.at(-1)).toMatchObject({ name: 'carrier_region', state: 'done' });

      const released = await caller.client.phoneNumbers.release.mutate({ phone_number_id });
      expect(released.data.warnings).toEqual([expect.stringContaining(`in its Region ${back} again`)]);
      expect([await regionNow(), await trunkOfNumber('ie1')]).toEqual([back, null]);
    },
  );

  it('restores the Region that was in force when inbound was last turned on', async () => {
    const { caller, path, setRegion, regionNow } = await importMoved({
      region: 'us1',
      voice_region: 'ie1',
      routing: false,
    });
    expect((await caller.rest('PATCH', path, { supports_inbound: false })).status).toBe(200);
    expect(await regionNow()).toBe('ie1');
    await setRegion('us1');
    expect((await caller.rest('PATCH', path, { supports_inbound: true })).status).toBe(200);
    expect((await caller.rest('DELETE', path)).status).toBe(200);
    expect(await regionNow()).toBe('us1');
  });

  it('leaves a number in our Region if it was there when inbound was last turned on', async () => {
    const moved = await importMoved({ region: 'ie1', voice_region: 'us1' });
    const { caller, path, phone_number_id, setRegion, regionNow } = moved;
    await caller.rest('PATCH', path, { supports_inbound: false });
    await setRegion('ie1');
    expect((await caller.rest('PATCH', path, { supports_inbound: true })).status).toBe(200);
    await service.connection
      .collection('phone_numbers')
      .updateOne({ phone_number_id }, { $set: uncertainNow(service) });
    await settle(service);
    expect(await regionNow()).toBe('ie1');
    await caller.rest('DELETE', path);
    expect(await regionNow()).toBe('ie1');
  });

  it('restores a Region even if a replica died after it moved the number when inbound was turned on again', async () => {
    const { caller, path, setRegion, regionNow } = await importMoved({
      region: 'us1',
      voice_region: 'ie1',
      routing: false,
    });
    await caller.rest('PATCH', path, { supports_inbound: false });
    await setRegion('au1');
    service.sandbox.faults.add({ call: 'twilio.updateNumberRoute', kind: 'drop_after', times: 3 });
    const on = await caller.rest('PATCH', path, { supports_inbound: true, ...replacing });
    service.sandbox.faults.clear();
    await settle(service);
    expect(on.status).toBe(200);
    expect(await regionNow()).toBe('us1');
    await caller.rest('DELETE', path);
    expect(await regionNow()).toBe('au1');
  });

  it('restores the default Region if Twilio says that none was set', async () => {
    const { importing, regionNow, caller } = await prepareImport();
    const notFound = {
      kind: 'answer',
      status: 404,
      body: { code: 20_404, message: 'not found', status: 404 },
    } as const;
    service.sandbox.faults.add({ ...notFound, call: 'twilio.fetchNumberRoute' });
    const { status, body } = await importing(replacing);
    expect(status).toBe(201);
    const { phone_number_id } = body.data;
    const { data } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(data.provisioning).toMatchObject({ former_routing: { voice_region: null } });
    await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    expect(await regionNow()).toBe('us1');
  });

  it.each([
    ['is refused', { kind: 'answer', status: 400 }],
    ['is lost after it was made', { kind: 'drop_after', times: 100 }],
    ['is answered, and not made', { kind: 'not_as_asked', body: { VoiceRegion: null } }],
    ['is lost before it was made', { kind: 'drop_before', times: 100 }],
  ] as const)('that moves a number, where that %s, completes or leaves nothing', async (_how, fault) => {
    const { importing, regionNow, list, trunkOfNumber } = await prepareImport({ voice_region: 'au1' });
    service.sandbox.faults.add({ call: 'twilio.updateNumberRoute', ...fault } as never);
    const { status } = await importing(replacing);
    service.sandbox.faults.clear();
    await settle(service);
    const [kept] = await list();
    expect(kept?.provisioning_state).toBe(status === 201 ? 'active' : undefined);
    expect(await regionNow()).toBe(status === 201 ? 'ie1' : 'au1');
    if (status !== 201) expect(await trunkOfNumber('ie1')).toBeNull();
    expect(status === 201 || (await importing(replacing)).status === 201).toBe(true);
  });

  it("handles outbound calls there too: sets the trunk's Region with the trunk, or later for an older trunk", async () => {
    const { importing, regionOfTrunk, caller, data, phone_number } = await prepareImport({ voice_region: 'ie1' });
    const { calls } = service.sandbox.faults;
    const { status, body } = await importing({ supports_outbound: true });
    expect({ status, warnings: body.data.warnings }).toEqual({ status: 201, warnings: undefined });
    expect(await regionOfTrunk()).toBe('ie1');
    expect(calls.filter((call) => call === 'twilio.updateTrunkRoute').length).toBeGreaterThan(0);

    await caller.client.phoneNumbers.release.mutate({ phone_number_id: body.data.phone_number_id });
    const begun = calls.length;
    expect((await importing({ supports_outbound: true, phone_number })).status).toBe(201);
    expect(calls.slice(begun)).not.toContain('twilio.updateTrunkRoute');
    const { integration_id } = data;

    const release = async () => {
      const [kept] = (await caller.client.phoneNumbers.list.query({ phone_number })).data;
      await caller.client.phoneNumbers.release.mutate({ phone_number_id: kept!.phone_number_id });
    };
    await release();
    const integrations = service.connection.collection('integrations');
    await integrations.updateOne({ integration_id }, { $unset: { 'provisioning.parts.region': 1 } });
    expect((await importing({ supports_outbound: true })).status).toBe(201);
    expect(calls.slice(begun)).toContain('twilio.updateTrunkRoute');
    await release();
    expect((await caller.rest('DELETE', `/api/integrations/${integration_id}`)).status).toBe(200);
  });

  it("is refused if the credentials may not set the trunk's Region, and leaves nothing", async () => {
    const { importing, list } = await prepareImport({ voice_region: 'ie1' });
    const body = { code: 20_003, message: 'Authenticate', status: 403 };
    service.sandbox.faults.add({ call: 'twilio.updateTrunkRoute', kind: 'answer', status: 403, body });
    const refused = await importing({ supports_outbound: true });
    expect(refused.status).toBe(400);
    expect(refused.body.detail).toContain('set the inbound processing Region of a SIP trunk');
    await settle(service);
    expect(await list()).toEqual([]);
    expect((await importing({ supports_outbound: true })).status).toBe(201);
  });

  it('does not mark the integration as refused if only the routing credentials are refused', async () => {
    const { importing, data } = await prepareImport({ voice_region: 'ie1' });
    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.updateTrunkRoute', kind: 'answer', status: 401, body, times: 100 });
    for (let tries = 0; tries < 2; tries++)
      expect((await importing({ supports_outbound: true })).body.code).toBe('provider_credentials_refused');
    service.sandbox.faults.clear();
    const { integration_id: subject_id } = data;
    const told = await service.connection.collection('events').find({ subject_id }).toArray();
    expect(told.map(({ type }) => type)).toEqual(['integration.created']);
  });

  it('leaves a number alone that was moved since, and says so at the release', async () => {
    const { importing, regionNow, setRegion, caller } = await prepareImport({ voice_region: 'us1' });
    const { body } = await importing(replacing);
    await setRegion('au1');
    const { phone_number_id } = body.data;
    const released = await caller.client.phoneNumbers.release.mutate({ phone_number_id });
    expect(released.data.warnings).toEqual([expect.stringContaining('It was left unchanged.')]);
    expect(await regionNow()).toBe('au1');
  });

  it('warns if the Region cannot be read because only they are refused, and the integration stays active', async () => {
    const { importing, caller, data } = await prepareImport({ voice_region: 'ie1' });
    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.fetchNumberRoute', kind: 'answer', status: 401, body });
    const answer = await importing();
    expect(answer.body.data.warnings).toEqual([expect.stringContaining('lack the permission to read in which Region')]);
    const { integration_id } = data;
    const { data: now } = await caller.client.integrations.get.query({ integration_id });
    expect(now.status).toBe('active');
  });
});

describe('an import into a Region without routing_credentials', () => {
  it('warns of what to set, also later', async () => {
    const { importing, caller, data } = await prepareImport({ routing: false });
    expect(data.has_routing_credentials).toBe(false);
    const { status, body } = await importing();
    expect(status).toBe(201);
    expect(body.data.warnings).toEqual([expect.stringContaining('lack the permission to read in which Region')]);
    const { phone_number_id } = body.data;
    const { data: number } = await caller.client.phoneNumbers.get.query({ phone_number_id });
    expect(number.warnings).toEqual(body.data.warnings);
  });

  it('warns only of the Region of outbound calls if only those were requested', async () => {
    const { importing } = await prepareImport({ routing: false });
    const { body } = await importing({ supports_inbound: false, supports_outbound: true });
    expect(body.data.warnings).toEqual([expect.stringContaining('outbound calls in the Region of the integration')]);
  });
});

describe('an import into us1', () => {
  it('sees that another Region handles the number, and moves it only on request', async () => {
    const { importing, regionNow, list, caller } = await prepareImport({ region: 'us1', voice_region: 'ie1' });
    const refused = await importing();
    expect(refused).toMatchObject({ status: 409, body: { code: 'number_routed_elsewhere' } });
    expect(refused.body.detail).toContain('in its Region ie1, and this integration is of us1');
    await settle(service);
    expect([await list(), await regionNow()]).toEqual([[], 'ie1']);

    const { status, body } = await importing(replacing);
    expect({ status, warnings: body.data.warnings }).toEqual({
      status: 201,
      warnings: [expect.stringContaining("moved to Twilio's Region us1")],
    });
    expect(await regionNow()).toBe('us1');
    await caller.client.phoneNumbers.release.mutate({ phone_number_id: body.data.phone_number_id });
    expect(await regionNow()).toBe('ie1');
  });

  it('does not warn if the Region was read once, and a second look is refused', async () => {
    const { importing, regionNow } = await prepareImport({ region: 'us1', voice_region: 'ie1' });
    const { faults } = service.sandbox;
    // The first attempt ends here. The second looks again.
    faults.add({ call: 'twilio.updateNumber', kind: 'answer', status: 503 });
    faults.add({ call: 'twilio.fetchNumberRoute', kind: 'answer', status: 400, skip: 1 });
    const { status, body } = await importing(replacing);
    expect({ status, warnings: body.data.warnings }).toEqual({
      status: 201,
      warnings: [expect.stringContaining("moved to Twilio's Region us1")],
    });
    expect(await regionNow()).toBe('us1');
  });

  it('warns if a restricted key may not read the Region', async () => {
    const { importing } = await prepareImport({ region: 'us1' });
    const body = { code: 20_003, message: 'Authenticate', status: 401 };
    service.sandbox.faults.add({ call: 'twilio.fetchNumberRoute', kind: 'answer', status: 401, body });
    const answer = await importing();
    expect(answer.status).toBe(201);
    expect(answer.body.data.warnings).toEqual([expect.stringContaining('lack the permission to read in which Region')]);
  });
});

it('routing_credentials are accepted only for a Region other than us1, and are a token or a key', async () => {
  const { caller, account } = await prepare();
  const of = { provider: 'twilio', account_sid: account.sid, auth_token: account.auth_token };
  for (const [credentials, path] of [
    [{ ...of, routing_credentials: { auth_token: 'x' } }, 'credentials.routing_credentials'],
    [{ ...of, region: 'us1', routing_credentials: { auth_token: 'x' } }, 'credentials.routing_credentials'],
    [{ ...of, region: 'ie1', routing_credentials: {} }, 'credentials.routing_credentials'],
    [
      { ...of, region: 'ie1', routing_credentials: { region: 'us1', auth_token: 'x' } },
      'credentials.routing_credentials.region',
    ],
  ] as const) {
    const { status, body } = await caller.rest('POST', '/api/integrations', { name: 'Test', credentials });
    expect({ status, path: body.issues?.[0]?.path }).toEqual({ status: 400, path });
  }
});
