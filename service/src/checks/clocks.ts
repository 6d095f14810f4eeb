import type { Clock } from '../clock.ts';
import { untilAborted } from '../database/abort.ts';
import { type Check, failed, ok, type Seen, warning, why } from './run-checks.ts';

/** LiveKit accepts tokens that are off by a minute at most, and leases need replicas whose clocks hardly differ. */
const MOST_OFF_MS = 30_000;

export interface ClocksDependencies {
  clock: Clock;
  /** Any answer from these URLs has a `Date` header. */
  providers: readonly { name: string; url: string }[];
}

/** Compares this machine's clock with the `Date` of each provider's answer, in whole seconds (RFC 9110, 6.6.1). */
export const clocksCheck = ({ clock, providers }: ClocksDependencies): Check => ({
  name: 'clock',
  look: ({ signal }) => Promise.all(providers.map((provider) => compare(provider, clock, signal))),
});

const compare = async (
  { name, url }: { name: string; url: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<Seen> => {
  const asked_at = clock.now();
  let date: string | null;
  try {
    const { headers, body } = await untilAborted(signal, fetch(url, { redirect: 'manual', signal }));
    date = headers.get('date');
    await body?.cancel();
  } catch (error) {
    return warning(`${name} at ${url} could not be asked for the time: ${causeOf(error)}.`, UNREACHABLE);
  }
  const answered_at = clock.now();
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return ok(`${name} does not tell the time.`);
  const here = (asked_at + answered_at) / 2;
  // How uncertain the time of the answer is.
  const doubt_ms = (answered_at - asked_at) / 2 + 1000;
  const off_ms = Math.abs(here - there);
  const off = `${Math.round(off_ms / 1000)} s ${here > there ? 'ahead of' : 'behind'} ${name}'s`;
  if (off_ms - doubt_ms <= MOST_OFF_MS) return ok(`The clock of this machine agrees with ${name}'s.`);
  return failed(
    `The clock of this machine is ${off}.`,
    'Set it by NTP. LiveKit refuses requests that are signed in the future or too late.',
  );
};

const UNREACHABLE =
  'If you import numbers through it, let this machine reach it: check the network, and the proxy if there is one.';

/** `fetch` only says that it failed; the cause says why. */
const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error && error.cause.message ? error.cause.message : why(error);
