import { expect } from 'vitest';
import type { OpenedService } from './open-service.ts';

interface LiveKitThing {
  sip_trunk_id?: string;
  sipTrunkId?: string;
  sipDispatchRuleId?: string;
  trunkIds?: string[];
  name?: string;
  metadata?: string;
  numbers?: string[];
}

interface TwilioThing {
  sid: string;
  account_sid: string;
  phone_number?: string;
  trunk_sid?: string | null;
  friendly_name?: string;
  voice_url?: string;
  voice_application_sid?: string;
}

/** Everything that both stand-ins hold. */
export const readWorld = async ({ sandbox: { shelf } }: Pick<OpenedService, 'sandbox'>) => ({
  inbound: await shelf.list<LiveKitThing>('livekit.inbound_trunk'),
  outbound: await shelf.list<LiveKitThing>('livekit.outbound_trunk'),
  rules: await shelf.list<LiveKitThing>('livekit.dispatch_rule'),
  numbers: await shelf.list<TwilioThing>('twilio.number'),
  trunks: await shelf.list<TwilioThing>('twilio.trunk'),
  lists: await shelf.list<TwilioThing>('twilio.credential_list'),
  credentials: await shelf.list<TwilioThing>('twilio.credential'),
  urls: await shelf.list<TwilioThing>('twilio.origination_url'),
  permissions: await shelf.list<TwilioThing>('twilio.permission'),
});

/** Runs the reconcilers until nothing is due any more, however far in the future. */
export const settle = async (...replicas: OpenedService[]): Promise<void> => {
  const [first] = replicas;
  if (first === undefined) return;
  for (let turns = 0; turns < 40; turns++) {
    for (const { background } of replicas) await background.idle();
    if (!(await isSomethingDue(first))) return;
    if (turns > 0) first.clock.advance(60_000);
    for (const { reconciler } of replicas) await reconciler.turn();
  }
  throw new Error('The reconcilers do not come to an end');
};

/** The fields of a record that is due after a lost answer: the reconciler looks at it in its next turn. */
export const uncertainNow = ({ clock }: Pick<OpenedService, 'clock'>) => {
  const now = new Date(clock.now());
  return { 'provisioning.due_at': now, 'provisioning.uncertain_until': now };
};

/** Whether a reconciler has anything to do, now or later. */
export const isSomethingDue = async ({ connection }: Pick<OpenedService, 'connection'>): Promise<boolean> => {
  const due = { 'provisioning.due_at': { $exists: true } };
  const found = await Promise.all([
    connection.collection('phone_numbers').findOne(due),
    connection.collection('integrations').findOne(due),
  ]);
  return found.some((row) => row !== null);
};

/** Records that are gone hold no number. */
const held = { holds: { $exists: true } };

/** Nothing is half built or left behind: each resource at a provider has a record, and each record its resources. */
export const expectWholeWorld = async (service: OpenedService): Promise<void> => {
  const world = await readWorld(service);
  const records = await service.connection.collection('phone_numbers').find(held).toArray();
  const integrations = await service.connection.collection('integrations').find().toArray();
  const made = (name: string) =>
    records
      .map(({ provisioning }) => provisioning.parts?.[name])
      .filter((part) => part?.state !== 'undone')
      .flatMap((part) => part?.resource_id ?? []);
  const marked = (things: LiveKitThing[]) =>
    things.filter(({ metadata }) => metadata?.includes(service.installation_id));

  expect(records.map(({ provisioning_state }) => provisioning_state).filter((state) => state !== 'active')).toEqual([]);
  expect(records.filter(({ provisioning }) => provisioning.lease_token !== null)).toEqual([]);
  expect(
    marked(world.inbound)
      .map(({ sipTrunkId }) => sipTrunkId)
      .toSorted(),
  ).toEqual(made('inbound_trunk').toSorted());
  expect(
    marked(world.outbound)
      .map(({ sipTrunkId }) => sipTrunkId)
      .toSorted(),
  ).toEqual(made('outbound_trunk').toSorted());
  expect(
    marked(world.rules)
      .map(({ sipDispatchRuleId }) => sipDispatchRuleId)
      .toSorted(),
  ).toEqual(made('dispatch_rule').toSorted());

  const ours = new Set(integrations.map(({ provisioning }) => provisioning.parts?.trunk?.resource_id));
  const routed = world.numbers.filter(({ trunk_sid }) => ours.has(trunk_sid ?? '')).map(({ sid }) => sid);
  expect(routed.toSorted()).toEqual(made('carrier_routing').toSorted());

  const accounts = new Set(integrations.map(({ account_sid }) => account_sid));
  const parts = [
    [
      'trunk',
      world.trunks.filter(({ friendly_name }) => friendly_name?.startsWith(`trunkline ${service.installation_id}`)),
    ],
    [
      'credential_list',
      world.lists.filter(({ friendly_name }) => friendly_name?.startsWith(`trunkline ${service.installation_id}`)),
    ],
    ['origination_url', world.urls.filter(({ account_sid }) => accounts.has(account_sid))],
    ['credential', world.credentials.filter(({ account_sid }) => accounts.has(account_sid))],
  ] as const;
  for (const [step, things] of parts) {
    const recorded = integrations
      .map(({ provisioning }) => provisioning.parts?.[step])
      .flatMap((part) => (part?.state === 'undone' ? [] : (part?.resource_id ?? [])));
    expect(things.map(({ sid }) => sid).toSorted(), step).toEqual(recorded.toSorted());
  }
};
