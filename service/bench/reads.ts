import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { median, report } from './quantile.ts';

export type Side = 'trunkline' | 'by-hand';

/** What a server process sends once it listens. */
export interface Ready {
  url: string;
  headers: Record<string, string>;
  rest: string;
  trpc: string;
}

const ROUNDS = 7;
const SECONDS = 4;
const CONNECTIONS = 16;
const script = join(import.meta.dirname, 'read-server.ts');

/**
 * Reading one number: this service against the same route written directly with Express, zod and mongoose, and against
 * a bare tRPC server on Express. Both sides authenticate, limit and log. They take turns, so that other load on the
 * machine affects both, and the ratio is taken pair by pair.
 */
export const measureReads = async (database: (name: string) => string): Promise<void> => {
  const servers = {
    trunkline: await openServer(script, 'trunkline', database('reads')),
    byHand: await openServer(script, 'by-hand', database('reads')),
  };
  const { trunkline, byHand } = servers;
  console.log(`\nReading one number, ${CONNECTIONS} connections, ${ROUNDS} pairs of ${SECONDS} s`);
  for (const [protocol, what] of [
    ['rest', 'REST ÷ Express, zod and mongoose by hand'],
    ['trpc', 'tRPC ÷ a bare tRPC server on Express'],
  ] as const) {
    for (const { ready } of [trunkline, byHand]) await throughput(ready, protocol, 2);
    const pairs: { ours: number; theirs: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      pairs.push({
        ours: await throughput(trunkline.ready, protocol, SECONDS),
        theirs: await throughput(byHand.ready, protocol, SECONDS),
      });
    }
    report(what, median(pairs.map(({ ours, theirs }) => ours / theirs)).toFixed(2), '≥ 0.9');
    const each = (side: 'ours' | 'theirs') => Math.round(median(pairs.map((pair) => pair[side])));
    report('', `${each('ours')} ÷ ${each('theirs')}`, 'requests a second');
  }
  for (const { close } of [trunkline, byHand]) await close();
};

export type OpenedServer = Awaited<ReturnType<typeof openServer>>;

/** Starts `read-server.ts`, of this checkout or another. */
export const openServer = async (script: string, side: Side, mongodb_uri: string) => {
  const child = fork(script, [side, mongodb_uri], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`The ${side} server ended instead of listening`);
  });
  const [ready] = (await Promise.race([once(child, 'message'), ended])) as [Ready];
  return {
    ready,
    pid: child.pid ?? 0,
    close: async () => {
      child.kill('SIGKILL');
      await ended.catch(() => {});
    },
  };
};

/** Requests a second. */
const throughput = async (ready: Ready, protocol: Protocol, duration: number): Promise<number> => {
  const { answered, seconds } = await load(ready, protocol, duration);
  return answered / seconds;
};

export type Protocol = 'rest' | 'trpc';

/** Sends as many requests as are answered. */
export const load = async ({ url, headers, ...paths }: Ready, protocol: Protocol, duration: number) => {
  const result = await autocannon({ url: url + paths[protocol], headers, connections: CONNECTIONS, duration });
  const answered = result['2xx'];
  if (answered === 0 || result.non2xx > 0)
    throw new Error(`${protocol}: ${result.non2xx} of ${answered + result.non2xx} answers were no success`);
  return { answered, seconds: result.duration };
};
