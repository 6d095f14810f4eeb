import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMove } from '../src/integrations/move.ts';
import { createIntegrationStore } from '../src/integrations/store.ts';
import { createPhoneNumberStore } from '../src/phone-numbers/store.ts';
import { openDatabaseProxy } from './database-proxy.ts';
import { type Caller, drawNumber, type OpenedService, openService, uniqueDatabase } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

const both = { provider: 'twilio', supports_inbound: true, supports_outbound: true } as const;
const mongodb_uri = uniqueDatabase();

/** With the settings when the trunk was made; then, after a restart, with Secure Trunking. */
let plain: OpenedService;
let secure: OpenedService;
let caller: Caller;
let integration_id: `intg_${string}`;
const owned = Array.from({ length: 4 }, () => ({
  phone_number: drawNumber(),
  voice_url: 'https://example.com/before',
}));

beforeAll(async () => {
  plain = await openService({ mongodb_uri, environment: { TWILIO_SECURE_TRUNKING: 'false' } });
  caller = await plain.newOrganization();
  ({ integration_id } = await plain.integrate(caller, owned));
  await caller.client.phoneNumbers.import.mutate({ ...both, integration_id, phone_number: owned[0]!.phone_number });
  await settle(plain);
  const { clock, sandbox, admin } = plain;
  const environment = { TWILIO_SECURE_TRUNKING: 'true' };
  secure = await openService({ mongodb_uri, clock, sandbox, admin, environment });
  await secure.background.idle();
});
afterAll(async () => {
  await secure.close();
  await plain.close();
});

/** The encryption of each part of the pair of trunks. */
const encrypted = async () => {
  const { trunks, urls, inbound, outbound } = await readWorld(plain);
  return {
    trunk: trunks.map((it) => Reflect.get(it, 'secure')),
    urls: urls.map((it) => String(Reflect.get(it, 'sip_url')).split('transport=')[1]),
    inbound: inbound.map((it) => Reflect.get(it, 'mediaEncryption')),
    outbound: outbound.map((it) => [Reflect.get(it, 'mediaEncryption'), Reflect.get(it, 'transport')]),
  };
};

const [NONE, REQUIRED] = [undefined, 'SIP_MEDIA_ENCRYPT_REQUIRE'];

/** The command, for the settings of the second start. */
const moveToSecure = (wait_ms: number) => {
  const { connection, clock } = secure;
  const leases = { clock, lease_ms: 30_000, settle_ms: 10_000 };
  return createMove({
    store: createIntegrationStore(connection, leases),
    numbers: createPhoneNumberStore(connection, leases),
    clock,
    made_for: { secure: true, sip_host: 'sandbox.sip.invalid' },
    wait_ms,
  });
};

describe('a setting that changes after the trunk was made', () => {
  it('never mixes settings: a later number matches the trunk as it was made', async () => {
    const later = secure.as(caller).client.phoneNumbers;
    await later.import.mutate({ ...both, integration_id, phone_number: owned[1]!.phone_number });
    expect(await encrypted()).toEqual({
      trunk: [false],
      urls: ['tcp'],
      inbound: [NONE, NONE],
      outbound: [
        [NONE, 'SIP_TRANSPORT_TCP'],
        [NONE, 'SIP_TRANSPORT_TCP'],
      ],
    });
  });

  it('is logged at the start, and is a warning in the integration', async () => {
    const told = secure.logged.map((line) => JSON.parse(line)).find(({ event }) => event === 'settings_differ');
    expect(told).toMatchObject({ count: 1, integration_ids: [integration_id] });
    const get = async (service: OpenedService) =>
      (await service.as(caller).client.integrations.get.query({ integration_id })).data.warnings;
    expect(await get(secure)).toEqual([expect.stringContaining(`trunkline integrations move ${integration_id}`)]);
    expect(await get(plain)).toBeUndefined();
  });

  it('is applied everywhere, in place, by trunkline integrations move', async () => {
    const before = await readWorld(plain);
    const moved = moveToSecure(60_000)(integration_id);
    const turning = setInterval(() => void secure.reconciler.turn(), 50);
    expect(await moved.finally(() => clearInterval(turning))).toBe(0);
    await settle(secure);
    expect(await encrypted()).toEqual({
      trunk: [true],
      urls: ['tls'],
      inbound: [REQUIRED, REQUIRED],
      outbound: [
        [REQUIRED, 'SIP_TRANSPORT_TLS'],
        [REQUIRED, 'SIP_TRANSPORT_TLS'],
      ],
    });
    const ids = ({ inbound, outbound, rules, trunks, urls }: typeof before) => [
      ...inbound.map(({ sipTrunkId }) => sipTrunkId),
      ...outbound.map(({ sipTrunkId }) => sipTrunkId),
      ...rules.map(({ sipDispatchRuleId }) => sipDispatchRuleId),
      ...[...trunks, ...urls].map(({ sid }) => sid),
    ];
    expect(ids(await readWorld(plain))).toEqual(ids(before));
    await expectWholeWorld(secure);
    const get = await secure.as(caller).client.integrations.get.query({ integration_id });
    expect(get.data.warnings).toBeUndefined();
  });

  it('is not reported as applied while a replica whose clock is ahead holds a number', async () => {
    const { connection, clock } = secure;
    const leases = { clock, lease_ms: 30_000, settle_ms: 10_000 };
    const numbers = createPhoneNumberStore(connection, leases);
    const ahead = createPhoneNumberStore(connection, { ...leases, clock: { ...clock, now: () => clock.now() + 1000 } });
    await numbers.requeueAll(integration_id);
    const waiting = await numbers.countDue(integration_id);
    expect(waiting).toBe(2);
    expect(await ahead.claimDue(integration_id)).toBeDefined();
    expect(await numbers.countDue(integration_id)).toBe(waiting);
    clock.advance(31_000);
    await settle(secure);
    expect(await numbers.countDue(integration_id)).toBe(0);
  });

  it('is reported as applied during a rotation of the trunk password', async () => {
    const { connection, clock, reconciler } = secure;
    const leases = { clock, lease_ms: 60_000, settle_ms: 10_000 };
    const refused = { kind: 'answer', status: 400, body: { code: 'invalid_argument', msg: 'no' } } as const;
    plain.sandbox.faults.add({ ...refused, call: 'livekit.UpdateSIPOutboundTrunk', times: 1000 });
    const rotated = { rotate_trunk_password: true };
    expect((await secure.as(caller).rest('PUT', `/api/integrations/${integration_id}`, rotated)).status).toBe(200);
    await reconciler.turn();
    const moved = createMove({
      store: createIntegrationStore(connection, leases),
      numbers: { countDue: async () => 0 },
      clock,
      made_for: { secure: true, sip_host: 'sandbox.sip.invalid' },
      wait_ms: 20_000,
    })(integration_id);
    const turning = setInterval(() => void reconciler.turn(), 50);
    expect(await moved.finally(() => clearInterval(turning))).toBe(0);
    plain.sandbox.faults.clear();
    await settle(secure);
  });

  it('also applies to an import that began before the move', async () => {
    const { connection, clock, reconciler, sandbox, admin } = secure;
    const leases = { clock, lease_ms: 30_000, settle_ms: 10_000 };
    const moveTo = async (isSecure: boolean) => {
      const made_for = { secure: isSecure, sip_host: 'sandbox.sip.invalid' };
      const numbers = createPhoneNumberStore(connection, leases);
      const store = createIntegrationStore(connection, leases);
      const moved = createMove({ store, numbers, clock, made_for, wait_ms: 60_000 })(integration_id);
      const turning = setInterval(() => void reconciler.turn(), 50);
      expect(await moved.finally(() => clearInterval(turning))).toBe(0);
      await settle(secure);
    };
    await using proxy = await openDatabaseProxy(mongodb_uri, 'aggregate');
    // Spare connections for commands that are not held.
    const uri = `${proxy.mongodb_uri}&minPoolSize=5`;
    await using slow = await openService({ clock, sandbox, admin, mongodb_uri: uri });
    // It reads the integration, and waits for the count of its numbers.
    const { phone_number } = owned[3]!;
    const held = slow.as(caller).client.phoneNumbers.import.mutate({ ...both, integration_id, phone_number });
    await proxy.holding();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await moveTo(false);
    proxy.release();
    expect((await held).data.provisioning_state).toBe('active');
    const { inbound, outbound } = await encrypted();
    expect(new Set(inbound)).toEqual(new Set([NONE]));
    expect(new Set(outbound.flat())).toEqual(new Set([NONE, 'SIP_TRANSPORT_TCP']));
    await expectWholeWorld(secure);
    const { phone_number_id } = (await held).data;
    await secure.as(caller).client.phoneNumbers.release.mutate({ phone_number_id });
    await moveTo(true);
  });

  it('is applied everywhere even if the command is stopped after its first write', async () => {
    const { connection, clock } = secure;
    const { move } = createIntegrationStore(connection, { clock, lease_ms: 30_000, settle_ms: 10_000 });
    for (const isSecure of [false, true]) {
      await move(integration_id, { secure: isSecure, sip_host: 'sandbox.sip.invalid' });
      await settle(secure);
      const { trunk, inbound, outbound } = await encrypted();
      const media = isSecure ? REQUIRED : NONE;
      expect(trunk).toEqual([isSecure]);
      expect(new Set([...inbound, ...outbound.map(([encryption]) => encryption)])).toEqual(new Set([media]));
      await expectWholeWorld(secure);
    }
  });

  it('is applied again to every number if it is moved back while Twilio refuses the first move', async () => {
    const { connection, clock, sandbox } = secure;
    const { move } = createIntegrationStore(connection, { clock, lease_ms: 30_000, settle_ms: 10_000 });
    const { phoneNumbers } = secure.as(caller).client;
    const { data } = await phoneNumbers.list.query({ integration_id });
    const { phone_number_id } = data[0] ?? expect.unreachable();
    const body = { code: 20_001, message: 'no', status: 400 };
    sandbox.faults.add({ kind: 'answer', status: 400, body, call: 'twilio.updateTrunk', times: 1000 });
    await move(integration_id, { secure: false, sip_host: 'sandbox.sip.invalid' });
    await secure.reconciler.turn();
    await phoneNumbers.update.mutate({ phone_number_id, inbound_room_name: 'moved' });
    expect((await encrypted()).inbound).toContain(NONE);
    sandbox.faults.clear();
    await move(integration_id, { secure: true, sip_host: 'sandbox.sip.invalid' });
    await settle(secure);
    const { trunk, inbound, outbound } = await encrypted();
    expect(trunk).toEqual([true]);
    const media = [...inbound, ...outbound.map(([encryption]) => encryption)];
    expect(new Set(media)).toEqual(new Set([REQUIRED]));
    await expectWholeWorld(secure);
  });

  it('makes no trunk for an account that has none', async () => {
    const unused = await secure.integrate(secure.as(caller), []);
    const begun = secure.sandbox.faults.calls.length;
    expect(await moveToSecure(0)(unused.integration_id)).toBe(0);
    await settle(secure);
    expect(secure.sandbox.faults.calls.slice(begun)).toEqual([]);
  });

  it('applies to what is imported afterwards', async () => {
    const { client } = secure.as(caller);
    await client.phoneNumbers.import.mutate({ ...both, integration_id, phone_number: owned[2]!.phone_number });
    expect((await encrypted()).inbound).toEqual([REQUIRED, REQUIRED, REQUIRED]);
    await expect(
      createMove({
        store: createIntegrationStore(secure.connection, { clock: secure.clock, lease_ms: 1, settle_ms: 1 }),
        numbers: { countDue: async () => 0 },
        clock: secure.clock,
        made_for: { secure: true, sip_host: 'sandbox.sip.invalid' },
        wait_ms: 1,
      })('intg_000000000000'),
    ).rejects.toMatchObject({ code: 'integration_not_found' });
  });
});
