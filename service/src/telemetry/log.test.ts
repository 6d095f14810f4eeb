import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLogging } from './log.ts';
import { logEvents } from './log-events.ts';

const openLog = (level = 'debug') => {
  const lines: string[] = [];
  const logging = createLogging(level, { write: (line) => void lines.push(line) });
  return { ...logging, last: () => JSON.parse(lines.at(-1) ?? '{}'), lines };
};

describe('the log', () => {
  it('redacts secrets by field name, two levels deep', () => {
    const { log, last } = openLog();
    log.info({ event: 'ready', auth_token: 'x', a: { sip_password: 'x', b: { 'x-api-key': 'x' } } }, 'ready');
    expect(last()).toMatchObject({ auth_token: '[Redacted]', a: { sip_password: '[Redacted]' } });
    expect(last().a.b['x-api-key']).toBe('[Redacted]');
  });

  it('writes lines of single values unredacted, with the id of their request', () => {
    const { plain, inRequest, last } = openLog();
    inRequest('order-17', () => plain.info({ event: 'request_answered', status: 200, password: 'a name' }, 'answered'));
    expect(last()).toMatchObject({ level: 30, request_id: 'order-17', event: 'request_answered', msg: 'answered' });
    expect(last().password).toBe('a name');
  });

  it('applies its level to both writers', () => {
    const { log, plain, lines } = openLog('warn');
    log.info({ event: 'ready' }, 'ready');
    plain.info({ event: 'ready' }, 'ready');
    expect(lines).toEqual([]);
  });

  it('uses every event name somewhere in the service', () => {
    const source = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .map((path) => readFileSync(join(import.meta.dirname, '..', path), 'utf8'))
      .join('\n');
    for (const event of logEvents) expect(source).toContain(`event: '${event}'`);
  });
});
