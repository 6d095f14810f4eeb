import { Problem } from '@trunkline/contracts';
import { compare, isSentUnknown } from './compare.ts';
import type { Claim, PartRecord, Provisioning, Told } from './lease.ts';
import type { Content, Part, Work } from './part.ts';
import { isDoubtful, isPassing } from './provider.ts';

/** How far the work on a record has come. */
export interface Progress<Name extends string> {
  /** An answer was lost: the provider may have more than is recorded, so look there. */
  doubtful(): boolean;
  /** A call whose answer was lost may still take effect and overwrite what is sent now. */
  unsettled(): boolean;
  /** Something recorded no longer exists: from now on, look at the provider. */
  doubt(): void;
  of(name: Name): PartRecord | undefined;
  /** Writes down what was done, before the next step begins. */
  done(name: Name, resource_id: string, sent?: Content): Promise<void>;
  /** The same, but together with the next write: for parts that no other part waits for. */
  doneWithNext(name: Name, resource_id: string, sent?: Content): void;
  /** Writes what `doneWithNext` has left unwritten. */
  flush(): Promise<void>;
  undone(name: Name, problem?: Told): Promise<void>;
  failed(name: Name, problem: Problem): Promise<void>;
}

/** Progress that is kept in a claimed record. */
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
    // The id of what an earlier attempt made stays: undoing needs it.
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

/** Somebody deleted a recorded part, or one that it depends on. */
export class Gone extends Error {
  override name = 'Gone';
}

/**
 * Makes every part what it should be, then removes the parts that are no longer wanted, newest first. If one fails, no
 * other begins; those under way are waited for, and the worst error is thrown: a refusal before a passing failure. If a
 * recorded part is gone, all parts are looked up at their provider.
 */
export const build = async <Job extends Work, Name extends string>(
  parts: readonly Part<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
): Promise<void> => {
  // Somebody may have deleted several parts, and each is discovered only through a part that depends on it.
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
      if (error instanceof Problem) await noteFailure(part, error, progress);
      throw error;
    }
  };

  for (const part of parts) runs.set(part.name, run(part));
  const outcomes = await Promise.allSettled(runs.values());
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (errors.length > 0) throw errors.toSorted((a, b) => severity(b) - severity(a))[0];
};

/**
 * Keeps a part that was made on record. If its own answer was lost, what it holds is no longer known, unless a look
 * reports all of that: then what was sent last still tells whether it is ours.
 */
const noteFailure = async <Job extends Work, Name extends string>(
  { name, isReportedWhole }: Part<Job, Name>,
  problem: Problem,
  progress: Progress<Name>,
) => {
  const { state, resource_id } = progress.of(name) ?? {};
  if (state !== 'done' || !resource_id) await progress.failed(name, problem);
  else if (isDoubtful(problem) && !isReportedWhole) await progress.done(name, resource_id);
};

/** What stopped the making of a part. */
const whileMaking = new WeakSet<object>();

/** Whether a part is missing because of this error. */
export const isMissing = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && whileMaking.has(error);

/** Returns what to record of the part. Undefined: nothing. */
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
    const resource_id = await part.make(job, action.was).catch((error: unknown) => {
      if (error instanceof Error) whileMaking.add(error);
      throw error;
    });
    return { resource_id, sent: wanted };
  }
  if (action.act === 'change' && part.change) {
    const resource_id = await part.change(job, action.resource_id, action.differences);
    if (resource_id === undefined) throw new Gone();
    // A late call may still overwrite it. Without `sent`, what the provider does not report is sent again after that.
    return progress.unsettled() ? { resource_id } : { resource_id, sent: wanted };
  }
  const isKnown = recorded?.state === 'done' && recorded.resource_id === action.resource_id;
  return isKnown || action.resource_id === null ? undefined : { resource_id: action.resource_id };
};

/** An error that is not a `Problem` (a lost lease, a lost database, a defect) is worst: the others then prove nothing. */
const severity = (error: unknown): number => {
  if (!(error instanceof Problem)) return 2;
  return isPassing(error) ? 0 : 1;
};

export interface Backwards<Name extends string> {
  /** Returns what to record of a part that could not be removed, to go on without it. Undefined: stop. */
  despite?(name: Name, error: unknown): Told | undefined;
  /** No caller asked for it, so removals are limited: too many may be a mistake of ours. */
  isRepair?: boolean;
}

/** Removes what the parts made, newest first. */
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

/** Tells, whenever it is asked, whether anything was removed from now on, or may have been: an answer was lost. */
export const watchRemovals = ({ provisioning }: { provisioning: Provisioning }, now: Date): (() => boolean) => {
  const { uncertain_until } = provisioning;
  return () =>
    provisioning.uncertain_until !== uncertain_until ||
    Object.values(provisioning.parts).some((it) => it?.state === 'undone' && it.at >= now);
};

/** If an answer was lost, this includes what an earlier change may have made without recording it. */
const mayBeThere = <Job extends Work, Name extends string>(
  { name, when, applies = when }: Part<Job, Name>,
  { record }: Job,
  progress: Progress<Name>,
): boolean => progress.of(name) !== undefined || (progress.doubtful() ? applies(record) : when(record));
