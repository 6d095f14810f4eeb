import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');

/**
 * Every folder and file at the top of `service/src`, and what each may import from the others. Anything that is not
 * listed here is refused. From `types`, only types may be imported: a vendor's client implements what a resource
 * declares.
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

/** Rooms that the others import only by their index.ts. */
const faces = ['config', 'development', 'provisioning'];

/** File names that mean the same in every folder: what a resource shows, stores and does. */
const sameEverywhere = ['index', 'record', 'store', 'describe', 'create', 'update'];

/** Packages that only these files may import: the others declare the interface they need. */
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

describe('The rooms of service/src', () => {
  it('are exactly those that the table lists', () => {
    expect([...new Set(files.map(roomOf))].toSorted()).toEqual(Object.keys(rooms).toSorted());
  });

  it('are all on the map in CONTRIBUTING.md', () => {
    const [, map = ''] = /^```text$(.*?)^```$/ms.exec(readFileSync(join(src, '../../CONTRIBUTING.md'), 'utf8')) ?? [];
    const drawn = [...map.replace(/.*?^service\/src/ms, '').matchAll(/(?:^| {2})([a-z-]+(?:\/|\.ts)) /g)].map(
      ([, room = '']) => room.replace('/', ''),
    );
    expect(Object.keys(rooms).filter((room) => !drawn.includes(room))).toEqual([]);
  });

  it.each(Object.entries(rooms))('%s imports only what the table allows', (name, { imports: may, types = [] }) => {
    const wrong = imports
      .filter(({ from, to }) => roomOf(from) === name && !isPackage(to) && roomOf(to) !== name)
      .filter(({ to, isType }) => !may.includes(roomOf(to)) && !(isType && types.includes(roomOf(to))))
      .map(({ from, to }) => `${from} imports ${to}: take it as an argument, or let compose/ join the two`);
    expect(wrong).toEqual([]);
  });

  it.each(faces)('%s is imported only by its index.ts', (name) => {
    const past = imports.filter(
      ({ from, to }) => roomOf(to) === name && roomOf(from) !== name && to !== `${name}/index.ts`,
    );
    expect(past).toEqual([]);
  });

  it('import everything that the table allows', () => {
    const unused = Object.entries(rooms).flatMap(([name, { imports: may, types = [] }]) =>
      [...may, ...types]
        .filter((room) => !imports.some(({ from, to }) => roomOf(from) === name && roomOf(to) === room))
        .map((room) => `${name} imports nothing of ${room}`),
    );
    expect(unused).toEqual([]);
  });

  it('use a file name twice only for what every folder names alike', () => {
    const byName = Map.groupBy(files, (path) => basename(path, '.ts'));
    const repeated = [...byName].filter(([, paths]) => paths.length > 1).map(([name]) => name);
    expect(repeated.toSorted()).toEqual(sameEverywhere.toSorted());
  });

  it('do not import each other in a circle', () => {
    const circles = Object.keys(rooms).filter((name) => reachable(name).has(name));
    expect(circles).toEqual([]);
  });

  it.each(Object.entries(packages))('import %s only in the files that may', (name, where) => {
    const others = imports.filter(({ from, to }) => to === name && !where.test(from)).map(({ from }) => from);
    expect(others).toEqual([]);
    expect(imports.some(({ to }) => to === name)).toBe(true);
  });
});

/** Every room that this one imports, directly or indirectly. */
const reachable = (name: string, seen = new Set<string>()): Set<string> => {
  for (const room of rooms[name]?.imports ?? []) {
    if (seen.has(room)) continue;
    seen.add(room);
    reachable(room, seen);
  }
  return seen;
};
