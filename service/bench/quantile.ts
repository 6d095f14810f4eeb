/** The value below which this part of the sample lies. */
export const quantile = (sample: readonly number[], part: number): number => {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

/** Prints a line of the report: what was measured, the figure, and the goal. */
export const report = (what: string, figure: string, goal = ''): void =>
  console.log(`  ${what.padEnd(58)} ${figure.padStart(14)}   ${goal}`);
