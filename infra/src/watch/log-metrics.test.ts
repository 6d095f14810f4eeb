import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logEvents } from '../../../service/src/telemetry/log-events.ts';
import { LOG_METRICS, type LogMetric, patternOf } from './log-metrics.ts';

/** The fields of each event in docs/log-events.md. */
const documented = new Map(
  readFileSync(new URL('../../../docs/log-events.md', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, event]) => event?.startsWith('`'))
    .map(([, event = '', , fields = '']) => [event.replaceAll('`', ''), fields]),
);

it('finds every event of the service documented', () => {
  expect([...documented.keys()].toSorted()).toEqual([...logEvents].toSorted());
});

describe.each(Object.entries<LogMetric>(LOG_METRICS))('the metric %s', (_key, metric) => {
  const { event, where, value } = metric;

  it('matches an event of the service by fields that it has', () => {
    expect(logEvents).toContain(event);
    const named = [where?.field, ...(value?.split('.') ?? [])];
    for (const field of named) if (field !== undefined) expect(documented.get(event)).toContain(`\`${field}\``);
  });

  it('matches no message text', () => {
    expect(patternOf(metric)).toContain(`$.event = "${event}"`);
    expect(patternOf(metric)).not.toContain('$.msg');
  });
});

it('gives each metric a unique name', () => {
  const names = Object.values(LOG_METRICS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

it('writes patterns in CloudWatch’s syntax', () => {
  expect(patternOf(LOG_METRICS.imports)).toBe('{ ($.event = "import_ended") && (($.outcome = "imported")) }');
  expect(patternOf(LOG_METRICS.putOff)).toBe('{ $.event = "provisioning_put_off" }');
});
