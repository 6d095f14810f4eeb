import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, start, until } from '../chaos/processes.ts';
import { onPath } from './path.ts';

const run = promisify(execFile);

const VERSION = '1.13.5';
const PACKAGE = `github.com/livekit/livekit-server/cmd/server@v${VERSION}`;
const BUILD_WITHIN_MS = 15 * 60_000;

type Say = (line: string) => void;

/** A livekit-server: the one named, else v1.13.5 on the PATH, else one built earlier, else one built now with Go. */
export const findLiveKitServer = async (environment: NodeJS.ProcessEnv, say: Say): Promise<string> => {
  const named = environment.LIVEKIT_SERVER_BINARY;
  if (named) {
    const version = await versionOf(named).catch(() => undefined);
    if (version === undefined)
      throw new Error(
        `LIVEKIT_SERVER_BINARY is ${named}, which is no livekit-server that starts. Name another, or none.`,
      );
    return named;
  }
  for (const path of await onPath('livekit-server', environment)) {
    if ((await versionOf(path).catch(() => undefined)) === VERSION) return path;
  }
  const cache_dir = join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'trunkline');
  const built = join(cache_dir, `livekit-server-${VERSION}`);
  if ((await versionOf(built).catch(() => undefined)) !== VERSION) await build(built, cache_dir, environment, say);
  return built;
};

const versionOf = async (path: string): Promise<string | undefined> => {
  await access(path, constants.X_OK);
  const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
  return /livekit-server version ([0-9.]+)/.exec(stdout)?.[1];
};

const build = async (built: string, cache_dir: string, environment: NodeJS.ProcessEnv, say: Say): Promise<void> => {
  const [go] = await onPath('go', environment);
  if (go === undefined) {
    throw new Error(
      `No livekit-server ${VERSION}: put it on the PATH, name it in LIVEKIT_SERVER_BINARY, or install Go 1.26 or newer, which builds it (https://go.dev/dl).`,
    );
  }
  say(`Building livekit-server ${VERSION} (once, some minutes) …`);
  await mkdir(cache_dir, { recursive: true });
  const folder = await mkdtemp(join(cache_dir, 'building-'));
  try {
    const env = { ...environment, GOBIN: folder, CGO_ENABLED: '0' };
    await run(go, ['install', PACKAGE], { env, timeout: BUILD_WITHIN_MS, maxBuffer: 64 * 1024 * 1024 });
    await rename(join(folder, 'server'), built);
  } catch (error) {
    throw new Error(`livekit-server ${VERSION} cannot be built: \`go install ${PACKAGE}\` fails.`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export interface LiveKitServer {
  url: string;
  api_key: string;
  api_secret: string;
  pid: number | undefined;
  /** Ends it as a crash does. */
  kill(): Promise<unknown>;
  /** Starts it again on the same port after a `kill`. */
  restart(): Promise<void>;
}

/** A livekit-server on free local ports, with this Redis. */
export const startLiveKitServer = async (binary: string, redis: string): Promise<LiveKitServer> => {
  const [port, tcp_port, udp_port] = await Promise.all([freePort(), freePort(), freePort()]);
  const api_key = 'conformance';
  const api_secret = 'a-secret-of-more-than-thirty-six-letters-for-tests';
  // JSON is valid YAML.
  const config = JSON.stringify({
    port,
    bind_addresses: ['127.0.0.1'],
    redis: { address: redis },
    keys: { [api_key]: api_secret },
    rtc: {
      node_ip: '127.0.0.1',
      use_external_ip: false,
      enable_loopback_candidate: true,
      stun_servers: ['127.0.0.1:3478'],
      tcp_port,
      udp_port,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  const open = async () => {
    const server = start(binary, [], { LIVEKIT_CONFIG: config });
    await until(
      'livekit-server answers',
      async () => {
        if (server.child.exitCode !== null) throw new Error(`livekit-server ended:\n${server.lines.join('\n')}`);
        return fetch(url).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      20_000,
    );
    return server;
  };
  let server = await open();
  return {
    url,
    api_key,
    api_secret,
    get pid() {
      return server.child.pid;
    },
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      server = await open();
    },
  };
};
