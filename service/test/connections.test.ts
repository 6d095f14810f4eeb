import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { docsFolder } from '../src/http/docs.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
const open = new Set<Socket>();
beforeAll(async () => {
  service = await openService({ environment: { REQUEST_TIMEOUT_SECONDS: '0.4', RESPONSE_TIMEOUT_SECONDS: '0.4' } });
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});
afterAll(() => service.close());

interface Peer {
  socket: Socket;
  /** Everything received so far. */
  read(): string;
  closed: Promise<unknown>;
}

const dial = async (to: OpenedService = service): Promise<Peer> => {
  const socket = connect(Number(new URL(to.url).port), '127.0.0.1');
  open.add(socket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'connect');
  return { socket, read: () => answer, closed };
};

const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

const keyOf = ({ admin }: OpenedService) =>
  `X-API-Key: ${admin.api_key}\r\nX-Organization-Id: ${admin.organization_id}\r\nContent-Type: application/json\r\n`;

describe('a connection is closed', () => {
  it('when the client does not read the responses', async () => {
    await using impatient = await openService({ environment: { RESPONSE_TIMEOUT_SECONDS: '0.4' } });
    const { socket, closed } = await dial(impatient);
    socket.pause();
    socket.write(`${get(`${docsFolder}/scalar/standalone.esm.js`).repeat(10)}GET /`);
    // A paused socket notices that it was closed only when it writes.
    const nudging = setInterval(() => socket.write('x'), 50);
    await closed;
    clearInterval(nudging);
  });

  it.each([
    ['sends nothing', ''],
    ['sends half of the headers', 'GET /healthz HTTP/1.1\r\nHost:'],
    ['sends half of the body', 'POST /api/api-keys HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nKEY\r\n\r\n{'],
  ])('when the client %s', async (_what, sent) => {
    const { socket, closed } = await dial();
    socket.write(sent.replace('KEY\r\n', keyOf(service)));
    await closed;
  });

  it('but not when a response takes longer to produce', async () => {
    service.sandbox.faults.add({ call: 'livekit.', kind: 'hold_before' });
    const importing = service.admin.rest('POST', '/api/phone-numbers', {
      phone_number: drawNumber(),
      provider: 'sip',
      supports_inbound: true,
    });
    await service.sandbox.faults.holding();
    const { socket, read } = await dial();
    socket.write(get('/healthz'));
    await wait(1000);
    service.sandbox.faults.release();
    expect([201, 503, 504]).toContain((await importing).status);
    expect(statuses(read())).toEqual([200]);
  });

  it('when the client pipelines too many requests; up to ten are answered in order', async () => {
    const { socket, read, closed } = await dial();
    const ten = [
      '/healthz',
      '/nothing',
      '/healthz',
      '/healthz',
      '/nothing',
      '/',
      '/healthz',
      '/',
      '/nothing',
      '/healthz',
    ];
    socket.write(ten.map((path) => get(path)).join(''));
    await expect
      .poll(() => statuses(read()))
      .toEqual(ten.map((path) => ({ '/healthz': 200, '/nothing': 404, '/': 302 })[path]));
    const handled = () => service.logged.filter((line) => line.includes('"status":404')).length;
    const before = handled();
    socket.write(get('/nothing').repeat(1000));
    await closed;
    expect(handled() - before).toBeLessThan(20);
  });

  it('before any request is handled, when too many arrive at once', async () => {
    const answered = () => service.logged.filter((line) => line.includes('"route":"(none)"')).length;
    const before = answered();
    const { socket, closed } = await dial();
    socket.write(get('/nothing').repeat(11));
    await closed;
    const again = await dial();
    again.socket.write(get('/nothing', 'Connection: close\r\n'));
    await again.closed;
    expect(answered() - before).toBe(1);
  });

  it('when there are too many connections, and the others stay open', async () => {
    await using small = await openService({ environment: { MAX_CONNECTIONS: '2' } });
    const peers: Peer[] = [];
    for (let n = 0; n < 4; n++) peers.push(await dial(small));
    await Promise.race(peers.map(({ closed }) => closed));
    for (const { socket } of peers) socket.write(get('/healthz'));
    await expect.poll(() => peers.filter(({ read }) => statuses(read())[0] === 200).length).toBeGreaterThan(0);
    await expect.poll(() => peers.filter(({ socket }) => socket.closed).length).toBeGreaterThanOrEqual(2);
  });
});

describe('a refused upload is not read to the end', () => {
  const GIGABYTE = 1024 ** 3;
  const sendOn = async ({ socket, closed }: Peer, frame: (chunk: string) => string): Promise<number> => {
    const chunk = frame('x'.repeat(64 * 1024));
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    let sent = 0;
    while (!isClosed && sent < GIGABYTE) {
      sent += chunk.length;
      if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    }
    return sent;
  };
  const chunked = (chunk: string) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`;

  it.each([
    ['without a key', 401, `POST /api/api-keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`, chunked],
    [
      'whose Content-Length exceeds the limit',
      413,
      `POST /api/api-keys HTTP/1.1\r\nHost: x\r\nContent-Length: ${GIGABYTE}\r\n\r\n`,
      String,
    ],
    [
      'whose size exceeds the limit as it streams',
      413,
      'POST /api/api-keys HTTP/1.1\r\nHost: x\r\nKEYTransfer-Encoding: chunked\r\n\r\n',
      chunked,
    ],
    [
      'whose size exceeds the limit over tRPC',
      413,
      'POST /trpc/apiKeys.create HTTP/1.1\r\nHost: x\r\nKEYTransfer-Encoding: chunked\r\n\r\n',
      chunked,
    ],
    [
      'to a route that takes no body',
      200,
      `GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: ${GIGABYTE}\r\n\r\n`,
      String,
    ],
    ['to an unknown route', 404, `POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: ${GIGABYTE}\r\n\r\n`, String],
  ])('%s', async (_what, status, head, frame) => {
    const peer = await dial();
    peer.socket.write(head.replace('KEY', keyOf(service)));
    const sent = await sendOn(peer, frame);
    expect(statuses(peer.read())).toEqual([status]);
    expect(peer.read()).toMatch(/^Connection: close/m);
    // At most what the kernel buffers on both sides.
    expect(sent).toBeLessThan(GIGABYTE / 10);
  });

  it('and not requested when Expect: 100-continue announces its size', async () => {
    const { socket, read, closed } = await dial();
    socket.write(
      `POST /api/api-keys HTTP/1.1\r\nHost: x\r\nContent-Length: ${GIGABYTE}\r\nExpect: 100-continue\r\n\r\n`,
    );
    await closed;
    expect(statuses(read())).toEqual([413]);
  });

  it('and its sender can read the reason', async () => {
    for (let n = 0; n < 5; n++) {
      const { status, body } = await service.admin.rest('POST', '/api/phone-numbers', 'x'.repeat(8 * 1024 ** 2));
      expect({ status, code: body.code }).toEqual({ status: 413, code: 'body_too_large' });
    }
  });

  it('but a small one leaves the connection open', async () => {
    const { socket, read } = await dial();
    socket.write(`POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello${get('/healthz')}`);
    await expect.poll(() => statuses(read())).toEqual([404, 200]);
  });
});

describe('valid requests followed by garbage are answered', () => {
  it('first, and in order', async () => {
    const { socket, read, closed } = await dial();
    socket.write(`${get('/healthz')}${get('/api/me', keyOf(service))}${get('/nothing')}garbage\r\n\r\n`);
    await closed;
    expect(statuses(read())).toEqual([200, 200, 404, 400]);
    expect(read()).toContain('"success":true');
    expect(read()).toContain('"code":"invalid_request"');
  });

  it('even when one takes long', async () => {
    service.sandbox.faults.add({ call: 'livekit.', kind: 'hold_before' });
    const body = JSON.stringify({ phone_number: drawNumber(), provider: 'sip', supports_inbound: true });
    const { socket, read, closed } = await dial();
    socket.write(
      `POST /api/phone-numbers HTTP/1.1\r\nHost: x\r\n${keyOf(service)}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await service.sandbox.faults.holding();
    socket.write('garbage\r\n\r\n');
    await wait(100);
    expect(read()).toBe('');
    service.sandbox.faults.release();
    await closed;
    expect(statuses(read())).toEqual([201, 400]);
  });

  it('and garbage inside a request is answered in place of that request', async () => {
    const { socket, read, closed } = await dial();
    socket.write(
      `${get('/api/me', keyOf(service))}POST /api/api-keys HTTP/1.1\r\nHost: x\r\n${keyOf(service)}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    );
    await closed;
    expect(statuses(read())).toEqual([200, 400]);
  });
});
