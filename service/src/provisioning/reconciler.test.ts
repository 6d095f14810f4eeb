import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { createLogging } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createReconciler, type Source } from './reconciler.ts';

const { log } = createLogging('silent', { write: () => {} });

/** Queues with this many due records each. A record takes a tenth of a second, on a simulated clock. */
const open = (due: Record<string, number>) => {
  let now = 0;
  const done: string[] = [];
  const claims = { asked: 0 };
  const atOnce = { now: 0, most: 0 };
  const held = new Set<string>();
  const source: Source = {
    name: 'records',
    dueQueues: async () => Object.keys(due).filter((queue) => (due[queue] ?? 0) > 0),
    claim: async (queue) => {
      claims.asked++;
      if ((due[queue] ?? 0) === 0) return undefined;
      due[queue] = (due[queue] ?? 0) - 1;
      return async () => {
        atOnce.now++;
        atOnce.most = Math.max(atOnce.most, atOnce.now);
        await setImmediate();
        atOnce.now--;
        now += 100;
        done.push(queue);
        return { outcome: 'settled', wait_ms: 0 };
      };
    },
  };
  const reconciler = createReconciler({
    sources: [source],
    queues: {
      take: async (queue) => {
        if (held.has(queue)) return undefined;
        held.add(queue);
        return { renew: async () => true, release: async () => void held.delete(queue) };
      },
    },
    gate: { isPaused: async () => false },
    clock: { ...systemClock, now: () => now },
    log,
    metrics: createMetrics(),
    interval_ms: 1000,
  });
  return { reconciler, done, claims, atOnce };
};

it('gives a queue its turn after one slice, even if the others have thousands of records due', async () => {
  const { reconciler, done } = open({ a: 3000, b: 3000, c: 3000, d: 3000, e: 3000, single: 1 });
  await reconciler.turn();
  // The most that four queues do in two slices of two seconds: eight records at once, a tenth of a second each.
  expect(done.indexOf('single')).toBeLessThan(2 * 4 * 20 + 4 * 8);
  expect(done).toHaveLength(15_001);
});

it('asks for a second record of a queue only once there is a first', async () => {
  const { reconciler, done, claims } = open({ a: 1 });
  await reconciler.turn();
  expect(done).toEqual(['a']);
  // The record; then each of two workers finds nothing more.
  expect(claims.asked).toBe(3);
});

it('works on eight records of a queue at once', async () => {
  const { reconciler, atOnce } = open({ a: 20 });
  await reconciler.turn();
  expect(atOnce.most).toBe(8);
});
