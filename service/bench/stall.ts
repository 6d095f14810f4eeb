import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../src/clock.ts';
import { openSandbox } from '../src/sandbox/server.ts';
import { createMemoryShelf } from '../src/sandbox/shelf.ts';
import { quantile, report } from './quantile.ts';

const PORT = 39_302;
const CLIENTS = 400;
const PIPELINED = 40;
const SECONDS = 15;
const PROBE_EVERY_MS = 25;

/** Measures a probe's wait and the service's memory while clients without a key request the largest answer and read nothing. */
export const measureStall = async (database: (name: string) => string): Promise<void> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  const { url, api_key, api_secret, sip_host } = sandbox.livekit;
  const environment = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(PORT),
    METRICS_PORT: '0',
    LOG_LEVEL: 'info',
    MONGODB_URI: database('stall'),
    LIVEKIT_URL: url,
    LIVEKIT_API_KEY: api_key,
    LIVEKIT_API_SECRET: api_secret,
    LIVEKIT_SIP_HOST: sip_host,
    TWILIO_API_URL: sandbox.url,
    ENCRYPTION_KEYS: `bench:${Buffer.alloc(32).toString('base64')}`,
  };
  console.log(
    `\n${CLIENTS} clients that send ${PIPELINED} requests at once, read nothing, and come again when cut off`,
  );
  for (const [who, addressOf] of [
    ['none', undefined],
    ['from one address', () => '127.0.0.1'],
    ['from an address each', (n: number) => `127.1.${n >> 7}.${(n & 127) + 1}`],
  ] as const) {
    const service = spawn(process.execPath, [new URL('../src/main.ts', import.meta.url).pathname], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env.PATH, ...environment },
    });
    await ready(service);
    const attack = addressOf && openAttack(addressOf);
    const waits = await probe();
    attack?.end();
    const ms = quantile(waits, 0.99);
    report(`/healthz, attacked ${who}: p99`, `${ms.toFixed(0)} ms`, '< 1000 ms');
    report('', `${waits.length} probes, the longest ${Math.max(...waits).toFixed(0)} ms`);
    report(`memory, attacked ${who}: most`, `${await peakMegabytes(service)} MB`, '< 250 MB');
    service.kill('SIGKILL');
    await once(service, 'exit');
  }
  await sandbox.close();
};

const ready = async (service: ChildProcess): Promise<void> => {
  while ((await fetch(`http://127.0.0.1:${PORT}/readyz`).catch(() => undefined))?.status !== 200) {
    if (service.exitCode !== null) throw new Error('The service ended instead of answering');
    await wait(20);
  }
};

const openAttack = (addressOf: (n: number) => string) => {
  const sockets = new Set<Socket>();
  let isOver = false;
  const attack = (n: number): void => {
    if (isOver) return;
    const socket = connect({ port: PORT, host: '127.0.0.1', localAddress: addressOf(n) });
    sockets.add(socket);
    socket.pause();
    socket.once('connect', () => socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(PIPELINED)));
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(attack, 100, n);
    });
  };
  for (let n = 0; n < CLIENTS; n++) attack(n);
  return {
    end: () => {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Sends probes at fixed times, even if the one before is unanswered, so that no wait hides another. */
const probe = async (): Promise<number[]> => {
  const asked: Promise<number>[] = [];
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; await wait(PROBE_EVERY_MS)) {
    asked.push(ask());
  }
  return Promise.all(asked);
};

/** How long the answer took; infinity if there was none. */
const ask = async (): Promise<number> => {
  const begun = performance.now();
  const signal = AbortSignal.timeout(60_000);
  const socket = connect({ port: PORT, host: '127.0.0.1', signal });
  socket.on('error', () => {});
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return answer.startsWith('HTTP/1.1 200') ? performance.now() - begun : Number.POSITIVE_INFINITY;
};

const peakMegabytes = async ({ pid }: ChildProcess): Promise<string> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? 'unknown' : String(Math.round(Number(kilobytes) / 1024));
};
