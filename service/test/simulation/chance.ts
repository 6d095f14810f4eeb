import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import mongoose from 'mongoose';
import { randomOf } from '../faults/draw.ts';

export type Roll = () => number;

export interface Chance {
  /** Numbers in [0, 1) that follow from the seed and this name alone. */
  rollOf(name: string): Roll;
  /** Decides on a disturbance. `undefined`: there is none, or a replay leaves it out. */
  disturb<T>(name: string, choose: (roll: Roll) => T | undefined): T | undefined;
  /** Each disturbance of the run so far. */
  readonly disturbances: readonly string[];
}

/**
 * All randomness of a run. Each decision follows from the seed and its own name, so leaving one out, as shrinking does,
 * does not change the others.
 */
export const createChance = (seed: number, kept?: ReadonlySet<string>): Chance => {
  const disturbances: string[] = [];
  const rollOf = (name: string) => randomOf(hashOf(name, seed));
  return {
    rollOf,
    disturb: (name, choose) => {
      if (kept !== undefined && !kept.has(name)) return undefined;
      const chosen = choose(rollOf(name));
      if (chosen !== undefined) disturbances.push(name);
      return chosen;
    },
    disturbances,
  };
};

/** FNV-1a. */
const hashOf = (text: string, seed: number): number => {
  let hash = 0x811c9dc5 ^ seed;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  return hash ^ Math.imul(seed, 0x9e3779b1);
};

export const pick = <T>(items: readonly T[], roll: Roll): T => items[Math.floor(roll() * items.length)] as T;

/**
 * Makes all randomness of this process follow from the seed, until disposed: the service itself draws jitter, ids,
 * tokens and passwords.
 */
export const seedThisProcess = (seed: number): Disposable => {
  const roll = randomOf(hashOf('process', seed));
  const real = { random: Math.random, randomBytes: crypto.randomBytes, randomInt: crypto.randomInt };
  const { ObjectId } = mongoose.mongo;
  const generate = ObjectId.generate;
  let ids = 0;
  const install = (random: Roll, replaced: object) => {
    Math.random = random;
    Object.assign(crypto, replaced);
    syncBuiltinESMExports();
  };
  install(roll, {
    randomBytes: (size: number) => Buffer.from(Array.from({ length: size }, () => Math.floor(roll() * 256))),
    randomInt: (below: number) => Math.floor(roll() * below),
  });
  ObjectId.generate = () => {
    const id = Buffer.alloc(12);
    id.writeUInt32BE(++ids, 8);
    return id;
  };
  return {
    [Symbol.dispose]: () => {
      install(real.random, { randomBytes: real.randomBytes, randomInt: real.randomInt });
      ObjectId.generate = generate;
    },
  };
};
