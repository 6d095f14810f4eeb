import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openKillWorld } from './kill-world.ts';
import { expectWhole, settled } from './whole-world.ts';

const world = openKillWorld();
/** How long a slow call takes: an update with one cannot end sooner, however fast the machine is. */
const SLOW_MS = 100;
const STEP_MS = 25;

/** The fields that the updates below may change. */
const settingsOf = ({ supports_inbound, inbound_room_name, has_inbound_pin, revision }: Record<string, unknown>) => ({
  ...{ supports_inbound, inbound_room_name, has_inbound_pin, revision },
});

/** The PIN at LiveKit. */
const pin = async (): Promise<string | undefined> => {
  const { dispatch_rule: [rule] = [] } = (await world.sandbox.world()).livekit;
  return Object(rule).rule?.dispatchRuleIndividual.pin;
};

it.each<[what: string, slow: string[], patch: object]>([
  ['in place', ['livekit.UpdateSIPDispatchRule'], { inbound_room_name: 'sales', inbound_pin: '4711' }],
  ['that turns inbound off', ['twilio.updateNumber', 'livekit.DeleteSIPDispatchRule'], { supports_inbound: false }],
])(
  'a process killed at any moment of an update %s leaves either the old or the new settings',
  async (_what, slow, patch) => {
    const { cluster, sandbox } = world;
    const former = await world.routing();
    const { phone_number_id } = await world.imported();
    const path = `/api/phone-numbers/${phone_number_id}`;
    const get = async () => (await world.victim.caller.rest('GET', path)).body.data;
    const before = await get();
    const back = { supports_inbound: true, inbound_room_name: null, inbound_pin: null };
    for (let after_ms = 0; ; after_ms += STEP_MS) {
      const old = settingsOf(await get());
      for (const call of slow) await sandbox.fault({ call, kind: 'slow', delay_ms: SLOW_MS });
      const answer = world.victim.caller.rest('PATCH', path, patch).catch(() => undefined);
      const ended = await Promise.race([answer, wait(after_ms, 'killed' as const)]);
      if (ended !== 'killed') {
        expect(ended).toMatchObject({ status: 200 });
        expect(after_ms).toBeGreaterThanOrEqual(SLOW_MS - STEP_MS);
        break;
      }
      await world.victim.end('SIGKILL');
      await world.startVictim();
      await settled(cluster);
      expect(await expectWhole(cluster, sandbox)).toHaveLength(1);
      const now = await get();
      const { inbound_pin, ...plain } = patch as Record<string, unknown>;
      const wanted = { ...plain, ...(inbound_pin !== undefined && { has_inbound_pin: true }) };
      const isNew = now.revision !== old.revision;
      expect(settingsOf(now)).toEqual(isNew ? { ...old, ...wanted, revision: Number(old.revision) + 1 } : old);
      expect(await pin()).toBe(now.has_inbound_pin ? inbound_pin : undefined);
      const { trunk_sid, ...routing }: Record<string, unknown> = await world.routing();
      if (now.supports_inbound) expect(trunk_sid).toBeTruthy();
      else expect({ trunk_sid, ...routing }).toEqual(former);
      expect((await world.victim.caller.rest('PATCH', path, back)).status).toBe(200);
      await settled(cluster);
      expect(settingsOf(await get())).toEqual({ ...settingsOf(before), revision: expect.any(Number) });
      expect(await pin()).toBeUndefined();
    }
  },
  1_800_000,
);
