import { Problem } from '@trunkline/contracts';
import { compare, isSentUnknown } from './compare.ts';
import type { Claim, PartRecord, Provisioning, Told } from './lease.ts';
import type { Content, Part, Work } from './part.ts';
import { isPassing } from './provider.ts';

/** How far a record is. */
export interface Progress<Name extends string> {
  /** An answer was lost on the way: look, and do not trust what is recorded to be all there is. */
  doubtful(): boolean;
  /** A call whose answer was lost may act still, over what is sent now. */
  unsettled(): boolean;
  /** Something recorded is not there any more: from now on look. */
  doubt(): void;
  of(name: Name): PartRecord | undefined;
  /** Writes down what was done before the next begins. */
  done(name: Name, resource_id: string, sent?: Content): Promise<void>;
  /** The same with whatever is written next: for what no other waits for. */
  doneWithNext(name: Name, resource_id: string, sent?: Content): void;
  /** Writes down what was done alongside, if that has not happened yet. */
  flush(): Promise<void>;
  undone(name: Name, problem?: Told): Promise<void>;
  failed(name: Name, problem: Problem): Promise<void>;
}

/** Progress as it is kept in a claimed record. */
export const progressOf = <Name extends string>(
  claim: Claim<{ provisioning: Provisioning<Name> }>,
  now: () => number,
): Progress<Name> => {
  const { provisioning } = claim.record;
  const fieldsOf = (name: Name, part: Omit<PartRecord, 'at'>) => {
    const written = { ...part, at: new Date(now()) };
    provisioning.parts[name] = written;
    const doubt = { 'provisioning.uncertain_until': provisioning.uncertain_until };
    return { [`provisioning.parts.${name}`]: written, ...doubt };
  };
  const write = (name: Name, part: Omit<PartRecord, 'at'>) => claim.write({ $set: fieldsOf(name, part) });
  const done = (resource_id: string, sent?: Content) =>
    ({ state: 'done', resource_id, ...(sent && { sent: sent as NonNullable<PartRecord['sent']> }) }) as const;
  const told = (name: Name, problem?: Told) => ({
    // What an earlier attempt made is a fact, and stays: undoing needs it.
    resource_id: provisioning.parts[name]?.resource_id ?? null,
    ...(problem && { problem: { code: problem.code, detail: problem.detail } }),
  });
  return {
    doubtful: () => provisioning.uncertain_until !== null,
    unsettled: () => provisioning.uncertain_until !== null && provisioning.uncertain_until.getTime() > now(),
    doubt: () => {
      provisioning.uncertain_until ??= new Date(now());
    },
    of: (name) => provisioning.parts[name],
    done: (name, resource_id, sent) => write(name, done(resource_id, sent)),
    doneWithNext: (name, resource_id, sent) => claim.writeWithNext(fieldsOf(name, done(resource_id, sent))),
    flush: () => claim.flush(),
    undone: (name, problem) => write(name, { state: 'undone', ...told(name, problem) }),
    failed: (name, problem) => write(name, { state: 'failed', ...told(name, problem) }),
  };
};

/** A part that is recorded is not there, or what it stands on: somebody deleted it. */
export class Gone extends Error {
  override name = 'Gone';
}

/**
 * Makes every part what it should be, and then takes away, the newest first, what should not be there any more. Where one
 * fails, no other begins, those under way are waited for, and the worst problem is thrown: a refusal before a passing
 * failure. Where one that is recorded is gone, all are looked at.
 */
export const build = async <Job extends Work, Name extends string>(
  parts: readonly Part<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
): Promise<void> => {
  // Somebody may have deleted several, and each is found by what stands on it.
  for (let left = parts.length; ; left--) {
    try {
      await bringAll(parts, job, progress);
      break;
    } catch (error) {
      if (!(error instanceof Gone) || left === 0) throw error;
      progress.doubt();
    }
  }
  const unwanted = parts.filter(({ when }) => !when(job.record));
  await tearDown(unwanted, job, progress);
};

const bringAll = async <Job extends Work, Name extends string>(
  parts: readonly Part<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
): Promise<void> => {
  const runs = new Map<Name, Promise<void>>();
  const waitedFor = new Set(parts.filter(({ when }) => when(job.record)).flatMap(({ after }) => after));
  let failed = false;

  const run = async (part: Part<Job, Name>) => {
    await Promise.all(part.after.map((name) => runs.get(name)));
    if (failed) return;
    try {
      const brought = await bring(part, job, progress);
      if (brought === undefined) return;
      const { resource_id, sent } = brought;
      if (part.look && waitedFor.has(part.name)) await progress.done(part.name, resource_id, sent);
      else progress.doneWithNext(part.name, resource_id, sent);
    } catch (error) {
      failed = true;
      if (error instanceof Problem) await noteFailure(part.name, error, progress);
      throw error;
    }
  };

  for (const part of parts) runs.set(part.name, run(part));
  const outcomes = await Promise.allSettled(runs.values());
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (errors.length > 0) throw errors.toSorted((a, b) => severity(b) - severity(a))[0];
};

/** What is there stays recorded; in doubt nobody knows any longer what it holds. */
const noteFailure = async <Name extends string>(name: Name, problem: Problem, progress: Progress<Name>) => {
  const { state, resource_id } = progress.of(name) ?? {};
  if (state !== 'done' || !resource_id) await progress.failed(name, problem);
  else if (progress.doubtful()) await progress.done(name, resource_id);
};

/** Tells what is to be written down of it. Undefined: nothing. */
const bring = async <Job extends Work, Name extends string>(
  part: Part<Job, Name>,
  job: Job,
  progress: Progress<Name>,
): Promise<{ resource_id: string; sent?: Content } | undefined> => {
  const recorded = progress.of(part.name);
  if (!part.when(job.record)) return undefined;
  const wanted = part.content?.(job) ?? {};
  const mustLook = progress.doubtful() || (part.change !== undefined && isSentUnknown(recorded));
  const seen = mustLook ? await part.look?.(job) : undefined;
  const action = compare({ wanted, recorded, seen });
  for (const resource_id of action.surplus) {
    await job.admitRemoval?.();
    await part.remove?.(job, resource_id);
  }
  if (action.act === 'make') {
    if (part.isRecordedBefore) await progress.flush();
    return { resource_id: await part.make(job, action.was), sent: wanted };
  }
  if (action.act === 'change' && part.change) {
    const resource_id = await part.change(job, action.resource_id, action.differences);
    if (resource_id === undefined) throw new Gone();
    // What the provider does not tell is sent once more when it stays.
    return progress.unsettled() ? { resource_id } : { resource_id, sent: wanted };
  }
  const isKnown = recorded?.state === 'done' && recorded.resource_id === action.resource_id;
  return isKnown || action.resource_id === null ? undefined : { resource_id: action.resource_id };
};

/** What is no problem at all (a lost lease, a lost database, a defect) is worst: nothing may be concluded from the rest. */
const severity = (error: unknown): number => {
  if (!(error instanceof Problem)) return 2;
  return isPassing(error) ? 0 : 1;
};

export interface Backwards<Name extends string> {
  /** Tells how to go on without a part that fails, if at all. */
  despite?(name: Name, error: unknown): Told | undefined;
  /** Nobody has asked for it: what is too much may be a mistake of ours. */
  isRepair?: boolean;
}

/** Takes away what the parts made, the newest first. */
export const tearDown = async <Job extends Work, Name extends string>(
  parts: readonly Part<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
  { despite = () => undefined, isRepair = false }: Backwards<Name> = {},
): Promise<void> => {
  for (const part of parts.toReversed()) {
    if (!part.remove || !mayBeThere(part, job, progress)) continue;
    try {
      const seen = progress.doubtful() ? await part.look?.(job) : undefined;
      const { surplus } = compare({ wanted: null, recorded: progress.of(part.name), seen });
      let problem: Told | undefined;
      for (const resource_id of surplus) {
        if (isRepair) await job.admitRemoval?.();
        problem = (await part.remove(job, resource_id)) ?? problem;
      }
      if (surplus.length > 0) await progress.undone(part.name, problem);
    } catch (error) {
      const problem = despite(part.name, error);
      if (problem === undefined) throw error;
      await progress.undone(part.name, problem);
    }
  }
};

/** Whether something was removed since then, or may be: an answer was lost. */
export const isRemovalBegun = (
  { provisioning: { parts, uncertain_until } }: { provisioning: Provisioning },
  since = new Date(0),
): boolean => uncertain_until !== null || Object.values(parts).some((it) => it?.state === 'undone' && it.at >= since);

/** In doubt also what an earlier change was about to make, and had not written down. */
const mayBeThere = <Job extends Work, Name extends string>(
  { name, when, applies = when }: Part<Job, Name>,
  { record }: Job,
  progress: Progress<Name>,
): boolean => progress.of(name) !== undefined || (progress.doubtful() ? applies(record) : when(record));
