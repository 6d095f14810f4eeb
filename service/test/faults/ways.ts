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

/** Changes nothing at a provider: a lane fails where it does. */
export const isRead = (call: string): boolean => /^(twilio\.(list|fetch)|livekit\.List)/.test(call);

const before: readonly WayName[] = wayNames.filter((way) => !way.endsWith('after acting'));
const atDeath: readonly WayName[] = ['dropped before acting', 'dropped after acting'];

/** The ways that differ at this call. After a read that was answered by nothing the world is the same as before it. */
export const waysOf = (call: string): readonly WayName[] => (isRead(call) ? before : wayNames);

/** The ways that differ where the replica dies as the call arrives: no answer reaches it, so that it only matters who acted. */
export const waysToDieAt = (call: string): readonly WayName[] => waysOf(call).filter((way) => atDeath.includes(way));
