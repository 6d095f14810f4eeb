import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');

/**
 * Each folder of `service/src`, and the files beside them, with what it may import of the others. What is not named here
 * may not be there. `types` are imported for their types alone: a vendor's client fulfils what a resource declares.
 */
const rooms: Record<string, { imports: string[]; types?: string[] }> = {
  'main.ts': { imports: ['run.ts', 'config'] },
  'run.ts': { imports: ['compose', 'config', 'clock.ts', 'database', 'http', 'telemetry', 'development'] },
  compose: {
    imports: [
      'config',
      'background.ts',
      'clock.ts',
      'checks',
      'http',
      'phone-numbers',
      'integrations',
      'organizations',
      'events',
      'provisioning',
      'vendors',
      'telemetry',
      'database',
    ],
  },
  config: { imports: ['organizations', 'database'] },
  'clock.ts': { imports: [] },
  'background.ts': { imports: ['telemetry'] },
  http: { imports: ['organizations', 'telemetry', 'database', 'background.ts', 'clock.ts'] },
  'phone-numbers': { imports: ['provisioning', 'events', 'telemetry', 'database', 'background.ts', 'clock.ts'] },
  integrations: { imports: ['provisioning', 'events', 'telemetry', 'database', 'clock.ts'] },
  organizations: { imports: ['events', 'database', 'background.ts', 'clock.ts'] },
  events: { imports: ['database', 'clock.ts'] },
  provisioning: { imports: ['telemetry', 'database', 'clock.ts'] },
  checks: { imports: ['database', 'clock.ts'] },
  vendors: { imports: ['provisioning', 'telemetry'], types: ['phone-numbers', 'integrations', 'checks'] },
  telemetry: { imports: ['clock.ts'] },
  database: { imports: ['telemetry', 'clock.ts'] },
  sandbox: { imports: ['clock.ts', 'database'] },
  development: {
    imports: ['http', 'sandbox', 'organizations', 'database', 'clock.ts'],
    types: ['config', 'compose'],
  },
  admin: {
    imports: [
      'checks',
      'config',
      'background.ts',
      'clock.ts',
      'compose',
      'organizations',
      'phone-numbers',
      'integrations',
      'events',
      'provisioning',
      'vendors',
      'development',
      'telemetry',
      'database',
    ],
  },
};

/** Rooms that the others know by their index.ts alone. */
const faces = ['config', 'development', 'provisioning'];

/** Names of files that a folder makes the same thing: what a room shows, keeps and does, whatever the room is of. */
const sameEverywhere = ['index', 'record', 'store', 'describe', 'create', 'update'];

/** A package that one file alone speaks: the others declare what they need of it. */
const packages: Record<string, RegExp> = {
  twilio: /^vendors\/twilio/,
  'livekit-server-sdk': /^(vendors|sandbox)\//,
  '@livekit/protocol': /^(vendors|sandbox)\//,
};

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));

const imports = files.flatMap((from): Import[] => {
  const text = readFileSync(join(src, from), 'utf8');
  const found = text.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)'|import\('([^']+)'\)/gm);
  return [...found].map(([, isType, named = '', loaded]) => {
    const to = loaded ?? named;
    const inside = to.startsWith('.')
      ? relative(src, join(src, dirname(from), to))
          .split(sep)
          .join('/')
      : to;
    return { from, to: inside, isType: isType !== undefined };
  });
});

const roomOf = (path: string): string => path.split('/')[0] ?? path;
const isPackage = (path: string): boolean => !files.includes(path);

describe('The rooms of the service', () => {
  it('are those that the table names', () => {
    expect([...new Set(files.map(roomOf))].toSorted()).toEqual(Object.keys(rooms).toSorted());
  });

  it('stand on the map in CONTRIBUTING.md', () => {
    const [, map = ''] = /^```text$(.*?)^```$/ms.exec(readFileSync(join(src, '../../CONTRIBUTING.md'), 'utf8')) ?? [];
    const drawn = [...map.replace(/.*?^service\/src/ms, '').matchAll(/(?:^| {2})([a-z-]+(?:\/|\.ts)) /g)].map(
      ([, room = '']) => room.replace('/', ''),
    );
    expect(Object.keys(rooms).filter((room) => !drawn.includes(room))).toEqual([]);
  });

  it.each(Object.entries(rooms))('%s imports what it may, and nothing else', (name, { imports: may, types = [] }) => {
    const wrong = imports
      .filter(({ from, to }) => roomOf(from) === name && !isPackage(to) && roomOf(to) !== name)
      .filter(({ to, isType }) => !may.includes(roomOf(to)) && !(isType && types.includes(roomOf(to))))
      .map(({ from, to }) => `${from} imports ${to}: take it as an argument, or let compose/ join the two`);
    expect(wrong).toEqual([]);
  });

  it.each(faces)('%s has one face', (name) => {
    const past = imports.filter(
      ({ from, to }) => roomOf(to) === name && roomOf(from) !== name && to !== `${name}/index.ts`,
    );
    expect(past).toEqual([]);
  });

  it('allow nothing that nobody imports', () => {
    const unused = Object.entries(rooms).flatMap(([name, { imports: may, types = [] }]) =>
      [...may, ...types]
        .filter((room) => !imports.some(({ from, to }) => roomOf(from) === name && roomOf(to) === room))
        .map((room) => `${name} imports nothing of ${room}`),
    );
    expect(unused).toEqual([]);
  });

  it('have no two files of one name, but for what the folder makes the same thing', () => {
    const byName = Map.groupBy(files, (path) => basename(path, '.ts'));
    const repeated = [...byName].filter(([, paths]) => paths.length > 1).map(([name]) => name);
    expect(repeated.toSorted()).toEqual(sameEverywhere.toSorted());
  });

  it('have no circle', () => {
    const circles = Object.keys(rooms).filter((name) => reachable(name).has(name));
    expect(circles).toEqual([]);
  });

  it.each(Object.entries(packages))('leave %s to the one that speaks it', (name, where) => {
    const others = imports.filter(({ from, to }) => to === name && !where.test(from)).map(({ from }) => from);
    expect(others).toEqual([]);
    expect(imports.some(({ to }) => to === name)).toBe(true);
  });
});

/** All that a room leads to, by what it imports. */
const reachable = (name: string, seen = new Set<string>()): Set<string> => {
  for (const room of rooms[name]?.imports ?? []) {
    if (seen.has(room)) continue;
    seen.add(room);
    reachable(room, seen);
  }
  return seen;
};
