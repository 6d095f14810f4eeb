import { z } from 'zod';

/** How a stand-in misbehaves on demand. */
export const Fault = z.strictObject({
  /** The call that it affects, as in `twilio.createTrunk`; `twilio.` means any of Twilio's. Default: any call. */
  call: z.string().default(''),
  /** How many matching calls pass first. */
  skip: z.int().min(0).default(0),
  /** How many calls it affects. */
  times: z.int().min(1).default(1),
  /**
   * `slow` answers after `delay_ms`; `answer` refuses with `status` and `body`, and does nothing; `drop_before` and
   * `drop_after` cut the connection before or after acting; `hang_before` and `hang_after` stay silent, before or after
   * acting; `hold_before` and `hold_after` wait for `release`, then continue; `not_as_asked` merges `body` into the
   * request and then succeeds, where null removes a field; for a GET, it merges `body` into the answer.
   */
  kind: z.enum([
    'slow',
    'answer',
    'drop_before',
    'drop_after',
    'hang_before',
    'hang_after',
    'hold_before',
    'hold_after',
    'not_as_asked',
  ]),
  delay_ms: z.int().min(0).default(0),
  status: z.int().min(400).max(599).default(500),
  body: z.record(z.string(), z.unknown()).default({}),
  /** Sent as `Retry-After` with an `answer`. */
  retry_after_seconds: z.int().min(0).optional(),
});
export type Fault = z.output<typeof Fault>;

export interface Faults {
  /** `onTaken` runs as soon as a call meets the fault, before anything else happens. */
  add(fault: z.input<typeof Fault>, onTaken?: () => void): void;
  clear(): void;
  /** Lets all held calls continue. */
  release(): void;
  /** Returns the fault that this call meets, if any. */
  take(call: string): Fault | undefined;
  /** Resolves at `release`. */
  held(): Promise<void>;
  /** Every call so far, in order, including those that met a fault. */
  calls: string[];
  /** The latest calls, newest first, with the fault that each met. */
  latest: { nth: number; call: string; fault: Fault | undefined }[];
  /** The faults that no call has met yet. */
  armed(): readonly Fault[];
  /** Every call that the stand-ins serve. */
  served: Set<string>;
  /** Resolves once `count` calls are held. */
  holding(count?: number): Promise<void>;
}

const LATEST_CALLS = 20;

export const createFaults = (): Faults => {
  const armed: (Fault & { onTaken: (() => void) | undefined })[] = [];
  const calls: string[] = [];
  const latest: Faults['latest'] = [];
  const watchers = new Set<() => void>();
  let gate = Promise.withResolvers<void>();
  let holdingNow = 0;

  const meet = (call: string): Fault | undefined => {
    for (const fault of armed) {
      const isOfProvider = fault.call === '' || fault.call.endsWith('.');
      if (isOfProvider ? !call.startsWith(fault.call) : call !== fault.call) continue;
      if (fault.skip-- > 0) continue;
      if (--fault.times === 0) armed.splice(armed.indexOf(fault), 1);
      fault.onTaken?.();
      return fault;
    }
    return undefined;
  };

  return {
    calls,
    latest,
    served: new Set(),
    armed: () => armed,
    add: (fault, onTaken) => void armed.push({ ...Fault.parse(fault), onTaken }),
    clear: () => {
      armed.length = 0;
    },
    release: () => {
      gate.resolve();
      gate = Promise.withResolvers<void>();
      holdingNow = 0;
    },
    take: (call) => {
      const fault = meet(call);
      latest.unshift({ nth: calls.push(call), call, fault });
      latest.splice(LATEST_CALLS);
      return fault;
    },
    held: () => {
      holdingNow++;
      for (const watcher of watchers) watcher();
      return gate.promise;
    },
    holding: (count = 1) =>
      new Promise((resolve) => {
        const watcher = () => {
          if (holdingNow < count) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
  };
};
