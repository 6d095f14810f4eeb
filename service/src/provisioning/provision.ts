import { Problem } from '@trunkline/contracts';
import type { Claim, Provisioning, StepRecord, Told } from './lease.ts';
import { isPassing } from './provider.ts';

/** What steps work on: a record, and whatever else they need. */
interface Work {
  record: unknown;
}

/** One act of provisioning. The steps of a resource are a list of these: read it, and you know what is built in which order. */
export interface Step<Job extends Work, Name extends string> {
  name: Name;
  /** Begins once these are done. Steps that do not need each other run together. */
  after: readonly Name[];
  /** It begins only when all that came before is written down: to undo it takes that. */
  isRecordedBefore?: true;
  /** Whether this record has it. */
  when(record: Job['record']): boolean;
  /** Makes it, and tells the provider's id of what it made. */
  make(job: Job): Promise<string>;
  /** What of it exists at the provider, by our mark. Without it the step makes nothing, and runs at every attempt. */
  list?(job: Job): Promise<string[]>;
  /** Tells what could not be put back as it was, if anything. */
  remove?(job: Job, resource_id: string): Promise<void> | Promise<Told | undefined>;
}

/** How far a record is. */
export interface Progress<Name extends string> {
  /** An answer was lost on the way: look before making, and do not trust what is recorded to be all there is. */
  doubtful(): boolean;
  of(name: Name): StepRecord | undefined;
  /** Writes down what a step did before the next begins. */
  done(name: Name, resource_id: string): Promise<void>;
  /** The same with whatever is written next: for a step that makes nothing, or that no other waits for. */
  doneAlongside(name: Name, resource_id: string): void;
  /** Writes down what was done alongside, if that has not happened yet. */
  flush(): Promise<void>;
  undone(name: Name, problem?: Told): Promise<void>;
  failed(name: Name, problem: Problem): Promise<void>;
}

/** Progress as it is kept in a claimed record. `alongside`: fields that must be stored with what a step did. */
export const progressOf = <Name extends string>(
  claim: Claim<{ provisioning: Provisioning<Name> }>,
  now: () => number,
  alongside: (name: Name) => Record<string, unknown> = () => ({}),
): Progress<Name> => {
  const { provisioning } = claim.record;
  const fieldsOf = (name: Name, step: Omit<StepRecord, 'at'>) => {
    const written = { ...step, at: new Date(now()) };
    provisioning.steps[name] = written;
    const doubt = { 'provisioning.doubtful_until': provisioning.doubtful_until };
    return { [`provisioning.steps.${name}`]: written, ...doubt, ...alongside(name) };
  };
  const write = (name: Name, step: Omit<StepRecord, 'at'>) => claim.write({ $set: fieldsOf(name, step) });
  return {
    doubtful: () => provisioning.doubtful_until !== null,
    of: (name) => provisioning.steps[name],
    done: (name, resource_id) => write(name, { state: 'done', resource_id }),
    doneAlongside: (name, resource_id) => claim.alongside(fieldsOf(name, { state: 'done', resource_id })),
    flush: () => claim.flush(),
    undone: (name, problem) =>
      write(name, {
        state: 'undone',
        resource_id: provisioning.steps[name]?.resource_id ?? null,
        ...(problem && { problem }),
      }),
    // What an earlier attempt read or made is a fact, and stays: undoing needs it.
    failed: (name, { code, detail }) =>
      write(name, {
        state: 'failed',
        resource_id: provisioning.steps[name]?.resource_id ?? null,
        problem: { code, detail },
      }),
  };
};

/**
 * Does every step that is not done yet. Where one fails, no other begins, those under way are waited for, and the worst
 * problem is thrown: a refusal before a passing failure.
 */
export const goForward = async <Job extends Work, Name extends string>(
  steps: readonly Step<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
) => {
  const runs = new Map<Name, Promise<void>>();
  const waitedFor = new Set(steps.flatMap(({ after }) => after));
  let failed = false;

  const run = async (step: Step<Job, Name>) => {
    await Promise.all(step.after.map((name) => runs.get(name)));
    if (failed || !step.when(job.record) || (step.list && progress.of(step.name)?.state === 'done')) return;
    try {
      if (step.isRecordedBefore) await progress.flush();
      const resource_id = await findOrMake(step, job, progress);
      if (step.list && waitedFor.has(step.name)) await progress.done(step.name, resource_id);
      else progress.doneAlongside(step.name, resource_id);
    } catch (error) {
      failed = true;
      if (error instanceof Problem) await progress.failed(step.name, error);
      throw error;
    }
  };

  for (const step of steps) runs.set(step.name, run(step));
  const outcomes = await Promise.allSettled(runs.values());
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (errors.length > 0) throw errors.toSorted((a, b) => severity(b) - severity(a))[0];
};

const findOrMake = async <Job extends Work, Name extends string>(
  step: Step<Job, Name>,
  job: Job,
  progress: Progress<Name>,
) => {
  const [existing] = progress.doubtful() ? ((await step.list?.(job)) ?? []) : [];
  return existing ?? (await step.make(job));
};

/** What is no problem at all (a lost lease, a lost database, a defect) is worst: nothing may be concluded from the rest. */
const severity = (error: unknown): number => {
  if (!(error instanceof Problem)) return 2;
  return isPassing(error) ? 0 : 1;
};

/** Takes away what the steps made, the newest first. `despite`: tells how to go on without a step that fails, if at all. */
export const goBack = async <Job extends Work, Name extends string>(
  steps: readonly Step<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
  despite: (name: Name, error: unknown) => Told | undefined = () => undefined,
) => {
  for (const step of steps.toReversed()) {
    if (!step.remove || !step.when(job.record)) continue;
    try {
      const made = await madeBy(step, job, progress);
      let problem: Told | undefined;
      for (const resource_id of made) problem = (await step.remove(job, resource_id)) ?? problem;
      if (made.size > 0) await progress.undone(step.name, problem);
    } catch (error) {
      const problem = despite(step.name, error);
      if (problem === undefined) throw error;
      await progress.undone(step.name, problem);
    }
  }
};

/** Takes away what a call whose answer was lost has made beside what is recorded. */
export const tidy = async <Job extends Work, Name extends string>(
  steps: readonly Step<Job, Name>[],
  job: Job,
  progress: Progress<Name>,
) => {
  for (const step of steps.toReversed()) {
    if (!step.remove || !step.when(job.record)) continue;
    const recorded = progress.of(step.name)?.resource_id;
    for (const resource_id of (await step.list?.(job)) ?? []) {
      if (resource_id !== recorded) await step.remove(job, resource_id);
    }
  }
};

const madeBy = async <Job extends Work, Name extends string>(
  step: Step<Job, Name>,
  job: Job,
  progress: Progress<Name>,
) => {
  const recorded = progress.of(step.name);
  const known = recorded?.state === 'done' && recorded.resource_id !== null ? [recorded.resource_id] : [];
  const found = progress.doubtful() ? ((await step.list?.(job)) ?? []) : [];
  return new Set([...known, ...found]);
};
