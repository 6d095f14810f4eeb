import type { Fault } from '../../src/sandbox/faults.ts';

export type Way = Partial<Fault> & Pick<Fault, 'kind'>;

/** The ways in which a call to a provider fails. */
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

/** Whether the call only reads. A lane fails if such a call changes something. */
export const isRead = (call: string): boolean => /^(twilio\.(list|fetch)|livekit\.List)/.test(call);

const before: readonly WayName[] = wayNames.filter((way) => !way.endsWith('after acting'));
const atDeath: readonly WayName[] = ['dropped before acting', 'dropped after acting'];

/** The distinct ways to fail at this call. For a read, 'after acting' is the same as before. */
export const waysOf = (call: string): readonly WayName[] => (isRead(call) ? before : wayNames);

/** The distinct ways when the replica dies as the call arrives: only whether the call acted makes a difference. */
export const waysToDieAt = (call: string): readonly WayName[] => waysOf(call).filter((way) => atDeath.includes(way));
