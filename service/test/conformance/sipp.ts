import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, start, until } from '../chaos/processes.ts';
import { onPath } from './path.ts';

/** The first sipp on the PATH. */
export const findSipp = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const [path] = await onPath('sipp', environment);
  if (path === undefined) throw new Error('No sipp: put it on the PATH (Debian: apt-get install sip-tester).');
  return path;
};

export interface SippOptions {
  scenario: string;
  /** Where the call goes; without it, sipp waits for one. */
  to?: string;
  /** The number dialed, and the caller's. */
  dialled?: string;
  caller?: string;
  username?: string;
  password?: string;
  /** Default: UDP. */
  transport?: 'udp' | 'tcp';
}

export interface Sipp {
  /** Where it listens, as in 127.0.0.1:5060. */
  address: string;
  /** The port that it offers for its own audio. */
  rtp_port: number;
  /** Resolves with the port for audio to the other side, once that has answered. */
  media(): Promise<number>;
  /** Resolves if everything went as in the scenario; otherwise rejects with the difference. */
  finished(): Promise<void>;
  close(): Promise<void>;
}

const LONGEST_CALL_S = 40;

/** Runs sipp for one call. */
export const startSipp = async (sipp: string, options: SippOptions): Promise<Sipp> => {
  const { scenario, to, dialled = 'nobody', caller = 'nobody', username = 'nobody', password = 'none' } = options;
  const { transport = 'udp' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-sipp-'));
  const [file, log, errors] = ['scenario.xml', 'log', 'errors'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(file, scenario);
  const [port, rtp_port] = await Promise.all([freePort(), freePort()]);
  const called = start(sipp, [
    ...(to ? [to] : []),
    ...[
      '-sf',
      file,
      '-m',
      '1',
      '-nostdin',
      '-t',
      transport === 'udp' ? 'u1' : 't1',
      '-i',
      '127.0.0.1',
      '-p',
      String(port),
      '-s',
      dialled,
    ],
    ...['-key', 'caller', caller, '-key', 'rtp_port', String(rtp_port)],
    ...['-key', 'username', username, '-key', 'password', password, '-au', username, '-ap', password],
    ...['-timeout', `${LONGEST_CALL_S}s`, '-timeout_error', '-trace_err', '-error_file', errors],
    ...['-trace_logs', '-log_file', log],
  ]);
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  return {
    address: `127.0.0.1:${port}`,
    rtp_port,
    media: async () => {
      let found: string | undefined;
      await until('the call is answered', async () => {
        found = /media (\d+)/.exec(await read(log))?.[1];
        return found !== undefined;
      });
      return Number(found);
    },
    finished: async () => {
      const code = await called.exit();
      if (code !== 0)
        throw new Error(`sipp ended with ${code}:\n${await read(errors)}\n${called.lines.slice(-40).join('\n')}`);
    },
    close: async () => {
      await called.end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
