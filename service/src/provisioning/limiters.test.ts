import { expect, it } from 'vitest';
import { createLimiters } from './limiters.ts';
import { guarded, ProviderProblem } from './provider.ts';

const busy = (said_retry_after_ms: number) =>
  new ProviderProblem('provider_unavailable', 'Twilio answered 429.', { passing: true, said_retry_after_ms });

it('at most 25 calls of an account run at once, and those of another account do not wait for them', async () => {
  const limiterOf = createLimiters({ now: () => 0 });
  const { promise, resolve } = Promise.withResolvers<void>();
  let running = 0;
  const call = () => {
    running++;
    return promise;
  };
  const calls = Array.from({ length: 40 }, () => limiterOf('AC1').run(call));
  await new Promise(setImmediate);
  expect(running).toBe(25);
  await limiterOf('AC2').run(async () => {});
  resolve();
  await Promise.all(calls);
  expect(running).toBe(40);
});

it('no call of an account begins while its provider has asked to wait, for a minute at most', async () => {
  let now = 0;
  const limiterOf = createLimiters({ now: () => now });
  const answers = [busy(5000), busy(3_600_000)];
  let calls = 0;
  const ask = async () => {
    calls++;
    const answer = answers.shift();
    if (answer) throw answer;
  };
  const waits: number[] = [];
  const waited = async ({ said_retry_after_ms }: { said_retry_after_ms: number }) => {
    waits.push(said_retry_after_ms);
    now += said_retry_after_ms;
    return true;
  };
  const patient = guarded({ ask }, { limiter: limiterOf('AC1'), waited });
  const hasty = guarded({ ask }, { limiter: limiterOf('AC1') });
  const short = guarded({ ask: async () => Promise.reject(busy(1000)) }, { limiter: limiterOf('AC3') });
  const long = guarded({ ask: () => Promise.reject(busy(5000)) }, { limiter: limiterOf('AC3') });
  await Promise.allSettled([long.ask(), short.ask()]);
  await expect(short.ask()).rejects.toMatchObject({ said_retry_after_ms: 5000 });
  const of_another = guarded({ ask: async () => 'well' }, { limiter: limiterOf('AC2') });

  await expect(hasty.ask()).rejects.toMatchObject({ said_retry_after_ms: 5000 });
  now = 2000;
  await expect(hasty.ask()).rejects.toMatchObject({
    said_retry_after_ms: 3000,
    members: { retry_after_seconds: 3 },
    passing: true,
    doubtful: false,
  });
  expect(calls).toBe(1);
  expect(await of_another.ask()).toBe('well');
  now = 5000;
  await expect(hasty.ask()).rejects.toMatchObject({ said_retry_after_ms: 3_600_000 });
  await patient.ask();
  expect(waits).toEqual([60_000]);
  expect(calls).toBe(3);
});

it('renews the lease of a waiting call when its turn comes, not before', async () => {
  const limiterOf = createLimiters({ now: () => 0 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const others = Array.from({ length: 25 }, () => limiterOf('AC1').run(() => promise));
  const order: string[] = [];
  const before = async () => void order.push('lease');
  const ask = async () => void order.push('call');
  const asked = guarded({ ask }, { limiter: limiterOf('AC1'), before }).ask();
  await new Promise(setImmediate);
  expect(order).toEqual([]);
  resolve();
  await Promise.all([...others, asked]);
  expect(order).toEqual(['lease', 'call']);
});
