import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMongod } from '../src/development/mongod.ts';
import { measureBefore } from './before.ts';
import { measureBusy } from './busy.ts';
import { measureClaims, measureFairness, measureTurns } from './claims.ts';
import { measureImports } from './imports.ts';
import { measureLists } from './lists.ts';
import { measureLiveKit } from './livekit.ts';
import { measurePaint } from './paint.ts';
import { measureReads } from './reads.ts';
import { measureRotation } from './rotation.ts';
import { measureStall } from './stall.ts';
import { measureStart } from './start.ts';

const data_dir = await mkdtemp(join(tmpdir(), 'trunkline-bench-'));
const mongod = await openMongod({
  data_dir,
  cache_dir: join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'trunkline'),
  search_path: process.env.PATH ?? '',
  say: console.log,
  signal: new AbortController().signal,
});
const database = (name: string) => mongod.uri.replace('/trunkline?', `/bench_${name}?`);

try {
  console.log(`\nNode ${process.version}, mongod ${mongod.version}, ${process.platform} ${process.arch}`);
  const only = process.argv[2];
  if (!only || only === 'imports') await measureImports(database);
  if (!only || only === 'reads') await measureReads(database);
  if (!only || only === 'lists') await measureLists(database);
  if (!only || only === 'claims') await measureClaims(database);
  if (!only || only === 'turns') await measureTurns(database);
  if (!only || only === 'fairness') await measureFairness(database);
  if (!only || only === 'start') await measureStart(database);
  if (!only || only === 'stall') await measureStall(database);
  if (!only || only === 'busy') await measureBusy(database);
  if (!only || only === 'rotation') await measureRotation(database);
  // Only by name, because it needs Chromium.
  if (only === 'paint') await measurePaint(database);
  // Only by name, because it needs the folder of another checkout.
  if (only === 'before') await measureBefore(process.argv[3] ?? '', database);
  // Only by name, because it needs livekit-server and Redis, and takes minutes.
  if (only === 'livekit') await measureLiveKit();
} finally {
  await mongod.close();
  await rm(data_dir, { recursive: true, force: true });
}
