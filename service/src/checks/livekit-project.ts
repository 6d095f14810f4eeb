import { Problem } from '@trunkline/contracts';
import { untilAborted } from '../database/abort.ts';
import { listed } from './listed.ts';
import { type Check, failed, ok, type Seen, warning, why } from './run-checks.ts';

/** A trunk without numbers, or a dispatch rule without trunks. */
interface ForAll {
  resource_id: string;
  /** The installation that made it; undefined if Trunkline did not. */
  mark: { installation_id: string } | undefined;
}

/** Lists what LiveKit has for calls of every number. Throws a `Problem` if the key may not list it. */
export type FindForAll = () => Promise<{ trunks: ForAll[]; rules: ForAll[] }>;

export interface LiveKitDependencies {
  url: string;
  findForAll: FindForAll;
  /** Undefined if the database cannot be read, or no service has prepared it. */
  ownInstallation(): Promise<string | undefined>;
}

/** Whether the key can list trunks, and whether others' trunks or rules take calls of every number or would clash. */
export const liveKitChecks = ({ url, findForAll, ownInstallation }: LiveKitDependencies): Check[] => {
  // Both checks share one request.
  let asked: ReturnType<FindForAll> | undefined;
  const find = () => (asked ??= findForAll());
  return [
    {
      name: 'livekit_key',
      look: async ({ signal }) => {
        const found = await untilAborted(signal, find()).catch((error: unknown) => refused(url, error));
        return 'state' in found ? found : ok(`LiveKit at ${url} accepts the key, which can list trunks.`);
      },
    },
    {
      name: 'livekit_for_all',
      look: async ({ signal }) => {
        const found = await untilAborted(signal, find()).catch(() => undefined);
        // livekit_key reports why.
        if (found === undefined) return [];
        const own = await ownInstallation();
        const ofOthers = (all: ForAll[]) =>
          all.filter(({ mark }) => own === undefined || mark?.installation_id !== own);
        const seen = [...seenTrunks(ofOthers(found.trunks)), ...seenRules(ofOthers(found.rules))];
        return seen.length > 0 ? seen : ok('LiveKit has no trunk for all numbers, and no rule for all trunks.');
      },
    },
  ];
};

const refused = (url: string, error: unknown): Seen => {
  const status = error instanceof Problem ? error.members.provider?.status : undefined;
  if (status === 401 || status === 403) {
    return failed(
      `LiveKit at ${url} refuses the key (${status}: ${why(error)}).`,
      "Take LIVEKIT_API_KEY and LIVEKIT_API_SECRET from this project's settings, both of the same key.",
    );
  }
  return failed(
    `LiveKit at ${url} could not be asked for its trunks${status === undefined ? '' : `, it answers ${status}`}: ${why(error)}.`,
    'Check LIVEKIT_URL, that this machine can reach it, and that its SIP service runs.',
  );
};

const seenTrunks = (trunks: ForAll[]): Seen[] => {
  if (trunks.length === 0) return [];
  const [have, take] = trunks.length === 1 ? ['has', 'takes'] : ['have', 'take'];
  const clash =
    trunks.length === 1
      ? ''
      : ' If two of them have the same callers, LiveKit refuses every new trunk, and no number can be imported.';
  return [
    warning(
      `${listed('inbound trunk', trunks)} at LiveKit ${have} no numbers, and ${take} the calls of every number without a trunk of its own.${clash}`,
      'Give it the numbers that it is for, or remove it: Trunkline leaves it alone.',
    ),
  ];
};

const seenRules = (rules: ForAll[]): Seen[] => {
  if (rules.length === 0) return [];
  const [is, answer] = rules.length === 1 ? ['is', 'answers'] : ['are', 'answer'];
  return [
    warning(
      // livekit/sip#460
      `${listed('dispatch rule', rules)} at LiveKit ${is} bound to no trunk, and ${answer} calls on every trunk that has no rule of its own; with a LiveKit of your own also calls that no trunk has checked.`,
      'Bind it to the trunks that it is for, or remove it: Trunkline leaves it alone.',
    ),
  ];
};
