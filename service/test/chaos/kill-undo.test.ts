import { describe, expect, it } from 'vitest';
import { moments, openKillWorld } from './kill-world.ts';
import { expectWhole, settled } from './whole-world.ts';

/** The calls of a rollback, after the last step was refused, or after the deadline passed during it. */
const undoing = [
  { call: 'livekit.DeleteSIPTrunk', skip: 0, late: false },
  { call: 'livekit.DeleteSIPDispatchRule', skip: 0, late: false },
  { call: 'livekit.DeleteSIPTrunk', skip: 1, late: false },
  { call: 'twilio.fetchNumber', skip: 0, late: true },
  { call: 'twilio.updateNumber', skip: 0, late: true },
];
/** Time for an import on a slow machine before its deadline, and for a call that outlasts it after a slow one. */
const late = { IMPORT_DEADLINE_SECONDS: '8', PROVIDER_TIMEOUT_SECONDS: '7.5', LEASE_SECONDS: '60' };
const SLOW_MS = 2000;

const world = openKillWorld();

/** As if the lease on the number had expired. Other tests wait until it does. */
const endLease = async () => {
  const taken = { 'provisioning.lease_token': { $ne: null } };
  const over = { $set: { 'provisioning.due_at': new Date() } };
  const { matchedCount } = await world.cluster.client.db().collection('phone_numbers').updateMany(taken, over);
  expect(matchedCount).toBe(1);
};

describe('a process that is killed', () => {
  for (const { call, skip, late: isLate } of undoing) {
    for (const kind of moments) {
      it(`while ${call} ${skip + 1} rolls back (${kind}) leaves nothing, and the number can be imported`, async () => {
        const { cluster, sandbox } = world;
        if (isLate) {
          await world.victim.end('SIGTERM');
          await world.startVictim(late);
          await sandbox.fault({ call: 'twilio.listNumbers', kind: 'slow', delay_ms: SLOW_MS });
          await sandbox.fault({ call: 'twilio.updateNumber', kind: 'hold_after' });
        } else {
          await sandbox.fault({ call: 'twilio.updateNumber', kind: 'answer', status: 400 });
          await sandbox.fault({ call, skip, kind });
        }
        const answer = world.importNumber();
        await sandbox.holding();
        if (isLate) {
          expect(await answer).toMatchObject({ status: 504, body: { code: 'provider_timeout' } });
          await sandbox.fault({ call, skip, kind });
          await sandbox.release();
          await sandbox.holding();
        }
        await world.victim.end('SIGKILL');
        await answer;
        await sandbox.release();
        if (isLate) await endLease();
        const survivor = await world.startSurvivor();
        await settled(cluster);
        expect(await expectWhole(cluster, sandbox)).toEqual([]);
        expect((await world.importNumber(survivor))?.status).toBe(201);
        await settled(cluster);
        await expectWhole(cluster, sandbox);
      });
    }
  }
});
