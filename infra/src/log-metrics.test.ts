import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_METRICS, type LogMetric, patternOf } from './log-metrics.ts';

const source = join(import.meta.dirname, '../../service/src');
const service = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => readFileSync(join(source, path), 'utf8'))
  .join('\n');

describe.each(Object.entries<LogMetric>(LOG_METRICS))('the metric %s', (_key, { msg, where, value }) => {
  it('is made of a line that the service logs, with these fields', () => {
    expect(service).toContain(msg.replace(/\*$/, '${'));
    for (const field of [where?.field, value?.split('.')[0]]) {
      if (field !== undefined) expect(service).toMatch(new RegExp(`\\b${field}\\b`));
    }
  });
});

it('are named once each', () => {
  const names = Object.values(LOG_METRICS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it('are found by patterns as CloudWatch writes them', () => {
  expect(patternOf(LOG_METRICS.imports)).toBe('{ ($.msg = "An import ended") && (($.outcome = "imported")) }');
  expect(patternOf(LOG_METRICS.putOff)).toBe('{ $.msg = "A provider failed: put off" }');
});
