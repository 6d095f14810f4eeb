import { describe, expect, it } from 'vitest';
import { moments, openKillWorld } from './kill-world.ts';
import { expectWhole, settled } from './whole-world.ts';

/** Every call of an import. */
const importing = [
  'twilio.listNumbers',
  'livekit.CreateSIPInboundTrunk',
  'livekit.CreateSIPDispatchRule',
  'twilio.createTrunk',
  'twilio.createCredentialList',
  'twilio.createOriginationUrl',
  'twilio.createCredential',
  'twilio.createPermission',
  'livekit.CreateSIPOutboundTrunk',
  'twilio.updateNumber',
];

const world = openKillWorld();

describe('a process that is killed', () => {
  for (const call of importing) {
    for (const kind of moments) {
      it(`while ${call} is under way (${kind}) leaves a complete number`, async () => {
        const { cluster, sandbox, victim, phone_number } = world;
        await sandbox.fault({ call, kind });
        const answer = world.importNumber();
        await sandbox.holding();
        await victim.end('SIGKILL');
        await answer;
        await sandbox.release();
        await world.startSurvivor();
        await settled(cluster);
        const records = await expectWhole(cluster, sandbox);
        expect(records.map((record) => record.phone_number)).toEqual([phone_number]);
      });
    }
  }
});
