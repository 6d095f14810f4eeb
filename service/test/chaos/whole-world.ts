import { expect } from 'vitest';
import type { Cluster, SandboxProcess } from './processes.ts';
import { until } from './processes.ts';

/** Waits until the reconcilers have nothing left to do. */
export const settled = ({ client }: Cluster): Promise<void> =>
  until('nothing is due', async () => {
    const db = client.db();
    const due = { 'provisioning.due_at': { $exists: true } };
    const counts = await Promise.all([
      db.collection('phone_numbers').countDocuments(due),
      db.collection('integrations').countDocuments(due),
    ]);
    return counts.every((count) => count === 0);
  });

/** Records that are gone hold no number. */
const held = { holds: { $exists: true } };

/** Everything at the providers is named by a record, and every record is complete. */
export const expectWhole = async (
  { client }: Cluster,
  sandbox: Pick<SandboxProcess, 'world'>,
): Promise<Record<string, any>[]> => {
  const { twilio, livekit } = await sandbox.world();
  const records = (await client.db().collection('phone_numbers').find(held).toArray()) as Record<string, any>[];
  const integrations = (await client.db().collection('integrations').find().toArray()) as Record<string, any>[];
  const made = (of: Record<string, any>[], step: string) =>
    of
      .map(({ provisioning }) => provisioning.parts?.[step])
      .filter((one) => one?.state === 'done')
      .map((one) => one.resource_id)
      .toSorted();
  const ids = (things: Record<string, any>[] | undefined, id: string) =>
    (things ?? []).map((thing) => thing[id]).toSorted();

  expect(records.filter(({ provisioning_state }) => provisioning_state !== 'active')).toEqual([]);
  expect(ids(livekit.inbound_trunk, 'sipTrunkId')).toEqual(made(records, 'inbound_trunk'));
  expect(ids(livekit.outbound_trunk, 'sipTrunkId')).toEqual(made(records, 'outbound_trunk'));
  expect(ids(livekit.dispatch_rule, 'sipDispatchRuleId')).toEqual(made(records, 'dispatch_rule'));
  expect(
    ids(
      twilio.number?.filter(({ trunk_sid }) => trunk_sid),
      'sid',
    ),
  ).toEqual(made(records, 'carrier_routing'));
  expect(ids(twilio.trunk, 'sid')).toEqual(made(integrations, 'trunk'));
  expect(ids(twilio.credential_list, 'sid')).toEqual(made(integrations, 'credential_list'));
  expect(ids(twilio.credential, 'sid')).toEqual(made(integrations, 'credential'));
  expect(ids(twilio.origination_url, 'sid')).toEqual(made(integrations, 'origination_url'));
  return records;
};
