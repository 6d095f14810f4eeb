import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { untilAborted } from '../../src/database/abort.ts';
import { type OwnEyes, openOwnEyes, type Routing, routingFields } from './own-eyes.ts';
import { type Exchange, openRecorder, type Recorder } from './recorder.ts';
import { type Answered, openTrunkline, type Trunkline } from './service.ts';
import type { AcceptanceSettings } from './settings.ts';
import { stillThere } from './still-there.ts';

/** One promise of the service, whether it was kept, and what was seen. */
interface Kept {
  promise: string;
  kept: boolean;
  seen: string;
}

export interface Outcome {
  promises: Kept[];
  /** What is still at the vendors, and how to remove it; empty if nothing is. */
  left: string[];
  exchanges: Exchange[];
}

export interface AcceptOptions {
  /** The folder of the database during the run. */
  folder: string;
  say(line: string): void;
  /** Aborts the run: everything it made is removed. */
  signal: AbortSignal;
  /** Also aborts the removal: what is left is reported. */
  at_once: AbortSignal;
  /** Called while the number is imported, so that a person can call it. */
  meanwhile?(): Promise<void>;
}

/** What will happen, for confirmation. */
export const planOf = ({ account_sid, phone_number, livekit, twilio_api_url }: AcceptanceSettings): string =>
  [
    `This uses the Twilio account ${account_sid}${twilio_api_url ? ` at ${twilio_api_url}` : ''} and the LiveKit project at ${livekit.url}.`,
    '',
    `1. It makes one Elastic SIP trunk with a credential list at Twilio, for calls to ${livekit.sip_host}.`,
    `2. It sends the calls of ${phone_number} there: for some minutes nobody else answers them.`,
    '3. It makes an inbound trunk, an outbound trunk and a dispatch rule at LiveKit, and changes the rule.',
    '4. It gives the number its routing of before back, takes away all that it made, and compares.',
    '5. It does 2 to 4 once more, as a released number can be imported at once.',
    '',
    'It places no call, buys nothing, and leaves other numbers, trunks and rules alone.',
  ].join('\n');

/** Runs the service with real accounts through its promises for one number; always removes what was made. */
export const accept = async (settings: AcceptanceSettings, options: AcceptOptions): Promise<Outcome> => {
  const { say, signal } = options;
  const promises: Kept[] = [];
  const note = (promise: string, kept: boolean, seen: string) => {
    promises.push({ promise, kept, seen });
    say(`${kept ? 'kept  ' : 'BROKEN'}  ${promise}\n        ${seen}`);
  };
  await using recorder = await openRecorder(settings);
  const eyes = openOwnEyes(settings);
  const before = await eyes.number();
  if (before === undefined) throw new Error(`The account has no number ${settings.phone_number}.`);
  const found = await eyes.livekit();
  if (found.inbound.length > 0)
    throw new Error(
      `LiveKit has the number already, on ${found.inbound[0]?.sipTrunkId}. Take it off that trunk first.`,
    );

  await using trunkline = await openTrunkline(settings, recorder, options);
  const evening = {
    settings,
    recorder,
    trunkline,
    eyes,
    routing: before.routing,
    number_sid: before.sid,
    note,
    options,
  };
  const left: string[] = [];
  try {
    await promisesOf(evening);
  } catch (error) {
    if (!signal.aborted)
      note('Nothing unforeseen happens', false, error instanceof Error ? error.message : String(error));
    else say('Interrupted: what was made is taken away.');
  } finally {
    left.push(...(await takeAway(evening)));
  }
  return { promises, left, exchanges: recorder.exchanges };
};

interface Evening {
  settings: AcceptanceSettings;
  recorder: Recorder;
  trunkline: Trunkline;
  eyes: OwnEyes;
  routing: Routing;
  number_sid: string;
  note(promise: string, kept: boolean, seen: string): void;
  options: AcceptOptions;
}

const AGENT = 'acceptance-agent';

const promisesOf = async (evening: Evening): Promise<void> => {
  const { settings, trunkline, recorder, note, options } = evening;
  const { signal } = options;
  const { account_sid, credentials } = settings;
  // Every step calls this first, so an interrupted run does not continue.
  const ask = async (method: string, path: string, body?: object): Promise<Answered> => {
    signal.throwIfAborted();
    return trunkline.ask(method, path, body, signal);
  };

  const failed = (await trunkline.findings()).filter(({ state }) => state === 'failed');
  note(
    'trunkline check finds nothing that would fail',
    failed.length === 0,
    failed.map(({ check, said }) => `${check}: ${said}`).join(' ') || 'Nothing failed.',
  );

  // The calls of the start are not about the number.
  recorder.clear();
  const input = { name: 'Acceptance', credentials: { provider: 'twilio', account_sid, ...credentials } };
  const integrated = await ask('POST', '/api/integrations', input);
  note('The credentials of the account are taken', integrated.status === 201, tell(integrated));
  if (integrated.status !== 201) return;
  const { integration_id } = integrated.body.data;

  const phone_number_id = await seeImport(evening, ask, integration_id);
  if (phone_number_id === undefined) return;
  const path = `/api/phone-numbers/${phone_number_id}`;

  const again = await ask('POST', '/api/phone-numbers', importOf(settings, integration_id));
  note('A number that is imported is refused', again.body?.code === 'phone_number_taken', tell(again));

  await options.meanwhile?.();
  signal.throwIfAborted();
  await seeAssign(evening, ask, path);
  await seeUpdate(evening, ask, path);
  await seeRelease(evening, ask, path);

  const second = await seeImport(evening, ask, integration_id);
  if (second !== undefined) await seeRelease(evening, ask, `/api/phone-numbers/${second}`);
};

type Ask = (method: string, path: string, body?: object) => Promise<Answered>;

const importOf = ({ phone_number }: AcceptanceSettings, integration_id: string) => ({
  phone_number,
  provider: 'twilio',
  integration_id,
  supports_inbound: true,
  supports_outbound: true,
});

/** Resolves with the number's id if it was imported. */
const seeImport = async ({ settings, eyes, note }: Evening, ask: Ask, integration_id: string) => {
  const imported = await ask('POST', '/api/phone-numbers', importOf(settings, integration_id));
  const { data } = imported.body ?? {};
  note('One call imports the number', imported.status === 201 && data?.provisioning_state === 'active', tell(imported));
  if (imported.status !== 201) return undefined;
  for (const warning of data.warnings ?? []) note('The import warns of nothing', false, warning);

  const [number, { inbound, outbound, rules }] = await Promise.all([eyes.number(), eyes.livekit()]);
  const trunk_sid = number?.routing.trunk_sid ?? '';
  const [trunk, urls] = trunk_sid ? await Promise.all([eyes.trunk(trunk_sid), eyes.originationUrls(trunk_sid)]) : [];
  note(
    'Twilio sends its calls to a trunk of ours, and that one to LiveKit',
    Boolean(trunk?.friendly_name?.includes(integration_id)) &&
      urls?.length === 1 &&
      Boolean(urls[0]?.startsWith(`sip:${settings.livekit.sip_host.toLowerCase()};transport=`)),
    `Twilio's trunk ${trunk_sid || 'none'} is secure: ${trunk?.secure}, and leads to ${urls?.join(', ') || 'nowhere'}.`,
  );
  note(
    'LiveKit has one trunk for calls to it, with one rule, and one for calls from it',
    isDeepStrictEqual(
      [inbound.map(({ sipTrunkId }) => sipTrunkId), rules.map(({ sipDispatchRuleId }) => sipDispatchRuleId)],
      [[data.inbound_trunk_id], [data.dispatch_rule_id]],
    ) &&
      isDeepStrictEqual(
        outbound.map(({ sipTrunkId }) => sipTrunkId),
        [data.outbound_trunk_id],
      ),
    `Inbound ${inbound.length}, rules ${rules.length}, outbound ${outbound.length}; the answer names them.`,
  );
  return String(data.phone_number_id);
};

const seeAssign = async ({ eyes, note }: Evening, ask: Ask, path: string): Promise<void> => {
  const agents = async () =>
    (await eyes.livekit()).rules.map(({ sipDispatchRuleId, roomConfig }) => ({
      sipDispatchRuleId,
      agents: roomConfig?.agents.map(({ agentName }) => agentName) ?? [],
    }));
  const [rule] = await agents();
  const assigned = await ask('POST', `${path}/assign`, { agent_id: AGENT });
  const after = await agents();
  note(
    'An agent is assigned in place',
    assigned.status === 200 &&
      isDeepStrictEqual(after, [{ sipDispatchRuleId: rule?.sipDispatchRuleId, agents: [AGENT] }]),
    `${tell(assigned)} The rule dispatches ${after[0]?.agents.join(', ') || 'nobody'}.`,
  );
  const unassigned = await ask('POST', `${path}/unassign`);
  const end = await agents();
  note(
    'And is taken off again',
    unassigned.status === 200 && isDeepStrictEqual(end, [{ sipDispatchRuleId: rule?.sipDispatchRuleId, agents: [] }]),
    `${tell(unassigned)} The rule dispatches ${end[0]?.agents.join(', ') || 'nobody'}.`,
  );
};

const ROOM = 'acceptance';

const seeUpdate = async ({ eyes, note }: Evening, ask: Ask, path: string): Promise<void> => {
  const look = async () => {
    const { inbound, outbound, rules } = await eyes.livekit();
    const individual = rules[0]?.rule?.rule;
    return {
      ids: [...inbound, ...outbound].map(({ sipTrunkId }) => sipTrunkId),
      rules: rules.map(({ sipDispatchRuleId }) => sipDispatchRuleId),
      room: individual?.case === 'dispatchRuleIndividual' ? individual.value.roomPrefix : undefined,
    };
  };
  const before = await look();
  const updated = await ask('PATCH', path, { inbound_room_name: ROOM });
  const changed = await look();
  note(
    'A setting is changed in place',
    updated.status === 200 && isDeepStrictEqual(changed, { ...before, room: ROOM }),
    `${tell(updated)} Callers get rooms ${changed.room}_…, by the same trunks and rule.`,
  );
  const cleared = await ask('PATCH', path, { inbound_room_name: null });
  const after = await look();
  note(
    'And back to what an import without it has',
    cleared.status === 200 && isDeepStrictEqual(after, before),
    `${tell(cleared)} Callers get rooms ${after.room}_….`,
  );
};

const seeRelease = async (evening: Evening, ask: Ask, path: string): Promise<void> => {
  const { eyes, note, routing } = evening;
  const released = await ask('DELETE', `${path}?force=true`);
  note(
    'A release ends with nothing left',
    released.status === 200 && released.body?.data?.provisioning_state === 'released',
    tell(released),
  );
  const [number, { inbound, outbound }, gone] = await Promise.all([eyes.number(), eyes.livekit(), ask('GET', path)]);
  note(
    'Twilio routes the number exactly as before',
    isSame(number?.routing, routing),
    differenceOf(number?.routing, routing),
  );
  note(
    'Nothing of it is left at LiveKit, and its id is gone',
    inbound.length + outbound.length === 0 && gone.status === 404,
    `Inbound trunks ${inbound.length}, outbound trunks ${outbound.length}; GET answers ${gone.status}.`,
  );
};

const isSame = (one: Routing | undefined, other: Routing): boolean => isDeepStrictEqual({ ...one }, { ...other });

/** Names the fields that differ, but not their values: a voice URL may contain a password. */
const differenceOf = (now: Routing | undefined, before: Routing): string => {
  if (now === undefined) return 'The account no longer has the number.';
  const differing = routingFields.filter((field) => now[field] !== before[field]);
  return differing.length === 0
    ? `All ${routingFields.length} fields are equal.`
    : `These differ: ${differing.join(', ')}.`;
};

const tell = ({ status, body }: Answered): string =>
  `${status}${body?.code ? ` ${body.code}: ${body.detail}` : ''}${body?.message ? `: ${body.message}` : ''}.`.replace(
    '..',
    '.',
  );

/** How long to wait for a number that is still being imported or released. */
const TRIES = 60;
const PAUSE_MS = 1000;

/** Releases the number and removes the account's trunk. Returns what is left, as seen or as recorded. */
const takeAway = async (evening: Evening): Promise<string[]> => {
  const { trunkline, recorder, eyes, settings, number_sid, options } = evening;
  const { at_once } = options;
  const left: string[] = [];
  const removed = new Set<string>();
  let isSure = true;
  const orTell = async (what: string, work: () => Promise<unknown>) => {
    try {
      at_once.throwIfAborted();
      await untilAborted(at_once, work());
    } catch (error) {
      isSure = false;
      left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await orTell('The service has not released the number', () => release(trunkline, settings, at_once));
  await orTell('How Twilio routes the number was not seen', async () => {
    const now = await eyes.number();
    if (isSame(now?.routing, evening.routing)) return;
    const trunk = now?.routing.trunk_sid ? `, and hangs on the trunk ${now.routing.trunk_sid}` : '';
    left.push(
      `${settings.phone_number} (${number_sid}) is not routed as before${trunk}. ${differenceOf(now?.routing, evening.routing)} Set them in the Twilio console.`,
    );
  });
  await orTell('What LiveKit has was not seen', async () => {
    const { inbound, outbound, rules } = await eyes.livekit();
    for (const { sipTrunkId } of [...inbound, ...outbound])
      left.push(`LiveKit's trunk ${sipTrunkId}. Delete it there.`);
    for (const { sipDispatchRuleId } of rules)
      left.push(`LiveKit's dispatch rule ${sipDispatchRuleId}. Delete it there.`);
  });
  await orTell('What the account has was not seen', async () => {
    const { trunks, lists } = await eyes.carrierParts(trunkline.installation_id);
    const remove = async (kind: string, sid: string, work: (sid: string) => Promise<void>) =>
      orTell(`Twilio's ${kind} ${sid} stays. Delete it in the console`, async () => {
        await work(sid);
        removed.add(sid);
      });
    for (const { sid } of trunks) await remove('trunk', sid, eyes.removeTrunk);
    for (const { sid } of lists) await remove('credential list', sid, eyes.removeList);
  });
  if (isSure) return left;
  const passed = stillThere(recorder.exchanges).filter((id) => !removed.has(id));
  return [...left, `By what passed, these are there: ${passed.join(', ') || 'none'}.`];
};

/** Releases by force until no number is left. An interrupted import completes first, because it was never answered. */
const release = async (
  trunkline: Trunkline,
  { phone_number }: AcceptanceSettings,
  signal: AbortSignal,
): Promise<void> => {
  let said = '';
  for (let tries = 0; tries < TRIES; tries++) {
    const query = new URLSearchParams({ phone_number });
    const { body } = await trunkline.ask('GET', `/api/phone-numbers?${query}`, undefined, signal);
    const [held] = body.data;
    if (held === undefined) return;
    const released = await trunkline.ask(
      'DELETE',
      `/api/phone-numbers/${held.phone_number_id}?force=true`,
      undefined,
      signal,
    );
    said = tell(released);
    if (released.status !== 200) await wait(PAUSE_MS, undefined, { signal });
  }
  throw new Error(`the release did not end: ${said}`);
};
