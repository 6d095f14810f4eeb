import { describe, expect, it } from 'vitest';
import { createLookUps } from './look-ups.ts';

const nothing = async () => undefined;
const right = async () => 'right';

/** Look-ups that wait for `letGo`, with counts of those running now, at most and in total. */
const createHeld = () => {
  const under = { way: 0, most: 0, all: 0 };
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const look = async () => {
    under.all++;
    under.most = Math.max(under.most, ++under.way);
    await gate;
    under.way--;
    return undefined;
  };
  return { look, under, letGo };
};

describe('key look-ups', () => {
  it('stop soon after 60 failed guesses from one address, however many arrive at once', async () => {
    const lookUp = createLookUps();
    let looks = 0;
    const look = async () => {
      looks++;
      return undefined;
    };
    const all = await Promise.allSettled(Array.from({ length: 900 }, () => lookUp('203.0.113.1', true, look)));
    expect(looks).toBeGreaterThanOrEqual(60);
    expect(looks).toBeLessThan(60 + 8);
    expect(all.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'rate_limited' } });
  });

  it('continue for a key that is no guess, however many wrong keys the address sent', async () => {
    const lookUp = createLookUps();
    for (let n = 0; n < 60; n++) await lookUp('203.0.113.1', n % 2 === 0, nothing);
    for (let n = 0; n < 60; n++) await lookUp('203.0.113.1', true, nothing).catch(() => {});
    await expect(lookUp('203.0.113.1', true, right)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await lookUp('203.0.113.1', false, right)).toBe('right');
    expect(await lookUp('203.0.113.2', true, right)).toBe('right');
  });

  it('count an IPv6 /64 as one address', async () => {
    const lookUp = createLookUps();
    for (let n = 0; n < 60; n++) await lookUp(`2001:db8::${n}`, true, nothing);
    await expect(lookUp('2001:db8::ffff', true, right)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await lookUp('2001:db8:0:1::1', true, right)).toBe('right');
  });

  it('run at most eight at once for one address, and leave room for others', async () => {
    const lookUp = createLookUps();
    const { look, under, letGo } = createHeld();
    const held = Array.from({ length: 100 }, () => lookUp('203.0.113.1', false, look));
    expect(await lookUp('203.0.113.2', false, right)).toBe('right');
    expect(under).toMatchObject({ way: 8, all: 8 });
    letGo();
    await Promise.all(held);
    expect(under).toEqual({ way: 0, most: 8, all: 100 });
  });

  it('run at most 32 at once for all addresses together', async () => {
    const lookUp = createLookUps();
    const { look, under, letGo } = createHeld();
    const held = Array.from({ length: 100 }, (_, n) => lookUp(`203.0.113.${n}`, false, look));
    await expect.poll(() => under.way).toBe(32);
    letGo();
    await Promise.all(held);
    expect(under.most).toBe(32);
  });

  it('are refused when too many are waiting', async () => {
    const lookUp = createLookUps();
    const { look, letGo } = createHeld();
    const held = Array.from({ length: 1008 }, () => lookUp('203.0.113.1', false, look));
    await expect.poll(() => lookUp('203.0.113.1', false, right).catch((error) => error.code)).toBe('rate_limited');
    letGo();
    await Promise.all(held);
    expect(await lookUp('203.0.113.1', false, right)).toBe('right');
  });

  it('that fail do not count as wrong keys', async () => {
    const lookUp = createLookUps();
    for (let n = 0; n < 70; n++)
      await lookUp('203.0.113.1', true, () => Promise.reject(new Error('lost'))).catch(() => {});
    expect(await lookUp('203.0.113.1', true, right)).toBe('right');
  });
});
