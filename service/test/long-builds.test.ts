import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { collections } from '../src/compose/collections.ts';
import { connect } from '../src/database/connect.ts';
import { buildIndexes } from '../src/database/indexes.ts';
import { prepareDatabase } from '../src/database/prepare-database.ts';
import { createSecrets } from '../src/database/secrets.ts';
import { createLogging } from '../src/telemetry/log.ts';
import { type DatabaseProxy, openDatabaseProxy } from './database-proxy.ts';
import { openService, uniqueDatabase } from './open-service.ts';

const silence_ms = 2000;

describe('an index build that takes longer than the database may stay silent', () => {
  let database: string;
  let proxy: DatabaseProxy;
  beforeEach(async () => {
    database = uniqueDatabase();
    proxy = await openDatabaseProxy(database, 'createIndexes');
  });
  afterEach(() => proxy[Symbol.asyncDispose]());

  it('is waited for, while other replicas serve requests', async () => {
    const other = await openService({ mongodb_uri: database });
    const starting = openService({ mongodb_uri: proxy.mongodb_uri, silence_ms });
    await proxy.holding();
    // Any other command would have timed out by now.
    const impatient = await connect(proxy.mongodb_uri, { silence_ms });
    await expect(buildIndexes(impatient, collections)).rejects.toThrow('timed out');
    expect((await other.admin.rest('POST', '/api/api-keys', { name: 'Meanwhile', role: 'user' })).status).toBe(201);

    proxy.release();
    const service = await starting;
    expect((await service.admin.rest('GET', '/api/me')).status).toBe(200);
    await Promise.all([service.close(), other.close(), impatient.close()]);
  });

  it('is no longer waited for when the start is aborted', async () => {
    const { log } = createLogging('silent', { write: () => {} });
    const start = new AbortController();
    const { mongodb_uri } = proxy;
    const tools = createSecrets(new Map([['test', new Uint8Array(32)]]));
    const preparing = prepareDatabase({
      mongodb_uri,
      collections,
      clock: systemClock,
      log,
      signal: start.signal,
      tools,
    });
    await proxy.holding();
    start.abort();
    await expect(preparing).rejects.toBe(start.signal.reason);
    await expect.poll(() => proxy.open()).toBe(0);
  });
});
