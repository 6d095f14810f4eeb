import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { moments, openKillWorld } from './kill-world.ts';
import { expectWhole, settled } from './whole-world.ts';

/** The first and last call of a release at each provider. test/faults has every pair of faults with a kill between. */
const releasing = [
  { call: 'twilio.updateNumber', skip: 0, kind: 'hold_before' },
  { call: 'twilio.updateNumber', skip: 0, kind: 'hold_after' },
  { call: 'livekit.DeleteSIPTrunk', skip: 0, kind: 'hold_after' },
  { call: 'livekit.DeleteSIPTrunk', skip: 1, kind: 'hold_after' },
] as const;
const LEASE_MS = 1500;

const world = openKillWorld();

describe('a process that is killed during a release', () => {
  for (const { call, skip, kind } of releasing) {
    it(`while ${call} ${skip + 1} is under way (${kind}) leaves nothing, and the number can be imported`, async () => {
      const { cluster, sandbox, victim } = world;
      const before = await world.routing();
      const { phone_number_id } = await world.imported();
      await sandbox.fault({ call, skip, kind });
      const path = `/api/phone-numbers/${phone_number_id}`;
      const answer = victim.caller.rest('DELETE', path).catch(() => undefined);
      await sandbox.holding();
      await victim.end('SIGKILL');
      await answer;
      await sandbox.release();
      const survivor = await world.startSurvivor();
      await settled(cluster);
      expect(await expectWhole(cluster, sandbox)).toEqual([]);
      expect(await world.routing()).toEqual(before);
      expect((await world.importNumber(survivor))?.status).toBe(201);
      await settled(cluster);
      await expectWhole(cluster, sandbox);
    });
  }

  it('at any moment leaves nothing', async () => {
    const { cluster, sandbox } = world;
    const before = await world.routing();
    let hits = 0;
    for (let after_ms = 0; ; after_ms += 25) {
      const { phone_number_id } = await world.imported();
      await sandbox.fault({ call: 'twilio.updateNumber', kind: 'slow', delay_ms: 40 });
      await sandbox.fault({ call: 'livekit.DeleteSIPDispatchRule', kind: 'slow', delay_ms: 40 });
      // However fast the release is, at least three kills hit it.
      if (hits < 3) await sandbox.fault({ call: 'livekit.DeleteSIPTrunk', skip: 1, kind: 'hold_before' });
      const path = `/api/phone-numbers/${phone_number_id}`;
      const answer = world.victim.caller.rest('DELETE', path).catch(() => undefined);
      const ended = await Promise.race([answer, wait(after_ms, 'killed' as const)]);
      if (ended !== 'killed') {
        expect(ended).toMatchObject({ status: 200 });
        break;
      }
      await world.victim.end('SIGKILL');
      const hit = { phone_number_id, provisioning_state: 'releasing' };
      hits += await cluster.client.db().collection('phone_numbers').countDocuments(hit);
      await sandbox.clear();
      await sandbox.release();
      await world.startVictim();
      // If it was killed before the release was stored, the number is unchanged and is released now.
      await settled(cluster);
      await world.victim.caller.rest('DELETE', path);
      await settled(cluster);
      expect(await expectWhole(cluster, sandbox)).toEqual([]);
      expect(await world.routing()).toEqual(before);
    }
    expect(hits).toBeGreaterThanOrEqual(3);
    expect(await expectWhole(cluster, sandbox)).toEqual([]);
    expect(await world.routing()).toEqual(before);
  }, 600_000);
});

describe('a process that is paused past its lease, and then continues', () => {
  for (const call of [
    'livekit.CreateSIPInboundTrunk',
    'livekit.CreateSIPDispatchRule',
    'livekit.CreateSIPOutboundTrunk',
    'twilio.updateNumber',
  ]) {
    for (const kind of moments) {
      it(`does no harm if paused while ${call} is under way (${kind})`, async () => {
        const { cluster, sandbox, victim } = world;
        await world.startSurvivor();
        await sandbox.fault({ call, kind });
        const answer = world.importNumber();
        await sandbox.holding();
        victim.child.kill('SIGSTOP');
        // Time for the other replica to take over and finish.
        await wait(2 * LEASE_MS);
        await sandbox.release();
        victim.child.kill('SIGCONT');
        await answer;
        await settled(cluster);
        const records = await expectWhole(cluster, sandbox);
        expect(records.length).toBeLessThanOrEqual(1);
      });
    }
  }
});
