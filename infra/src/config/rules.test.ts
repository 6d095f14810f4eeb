import { expect, it } from 'vitest';
import { fargateMemory } from './rules.ts';

it.each([
  [256, [512, 1024, 2048]],
  [512, [1024, 2048, 3072, 4096]],
  [1024, [2048, 3072, 4096, 5120, 6144, 7168, 8192]],
  [300, []],
])('knows which memory sizes Fargate offers with a CPU of %d', (cpu, memory) => {
  expect(fargateMemory(cpu)).toEqual(memory);
});

it.each([
  [8192, 16, 60],
  [16_384, 32, 120],
])('knows the smallest and largest memory for a CPU of %d', (cpu, least, most) => {
  const sizes = fargateMemory(cpu);
  expect([sizes[0], sizes.at(-1)]).toEqual([least * 1024, most * 1024]);
});
