import type { Fault } from '../../src/sandbox/faults.ts';

export type Way = Partial<Fault> & Pick<Fault, 'kind'>;

/** How a call to a provider fails. */
export const ways = {
  refused: { kind: 'answer', status: 400, body: { code: 20_001, msg: 'no', message: 'no', status: 400 } },
  busy: {
    kind: 'answer',
    status: 429,
    body: { code: 20_429, message: 'slow down', status: 429 },
    retry_after_seconds: 1,
  },
  away: { kind: 'answer', status: 503 },
  'silent before acting': { kind: 'hang_before' },
  'silent after acting': { kind: 'hang_after' },
  'dropped before acting': { kind: 'drop_before' },
  'dropped after acting': { kind: 'drop_after' },
} as const satisfies Record<string, Way>;

export type WayName = keyof typeof ways;
export const wayNames = Object.keys(ways) as WayName[];
