import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeProblem, Problem } from '@trunkline/contracts';

/** Limits for each connection, and for all of them together. */
export interface ConnectionSettings {
  max_connections: number;
  /** A peer that takes longer to send a request is disconnected. */
  request_timeout_ms: number;
  /** A peer that takes longer to read an answer is disconnected. */
  response_timeout_ms: number;
  /** How long an idle connection stays open. */
  keep_alive_ms: number;
}

/** A request and its answer, until the answer is sent. */
interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** False while it waits: each connection is served one request at a time. */
  has_begun: boolean;
  /** When the answer began to wait for the peer to read it. */
  waiting_since: number | undefined;
}

type Exchanges = Map<Duplex, Set<Exchange>>;

/** A peer that sends more requests than this without waiting for an answer is disconnected. */
const MAX_PIPELINED = 10;
/** No operation accepts a larger body: the rest of it is not read once its request is answered. */
const LARGE_BYTES = 100 * 1024;
/** How long a refused peer has to read why. */
const LINGER_MS = 1000;

/** Serves requests, and limits what one connection can cost where Node's own settings do not. */
export const guardConnections = (
  server: Server,
  listener: RequestListener,
  { response_timeout_ms }: { response_timeout_ms: number },
): void => {
  const exchanges: Exchanges = new Map();

  server.on('connection', (socket) => {
    exchanges.set(socket, new Set());
    socket.once('close', () => exchanges.delete(socket));
  });
  server.on('request', (req, res) => {
    const ofSocket = exchanges.get(req.socket) ?? new Set();
    // Destroying only the socket would make Node format an error's stack for each remaining request.
    if (ofSocket.size >= MAX_PIPELINED) return void req.destroy();
    const exchange: Exchange = { req, res, has_begun: false, waiting_since: undefined };
    ofSocket.add(exchange);
    if (mayBeLarge(req)) closeUnlessRead(req, res);
    res.once('close', () => {
      ofSocket.delete(exchange);
      // Other connections get their turn before the next request of this one.
      const [next] = ofSocket;
      if (next !== undefined) setImmediate(begin, next, listener);
    });
    // Everything that arrived together is parsed first: if it holds too many requests, none of them begins.
    if (ofSocket.size === 1) process.nextTick(begin, exchange, listener);
  });
  server.on('checkContinue', (req, res) => server.emit('request', req, res));

  const unreadable = new WeakSet<Duplex>();
  server.on('clientError', (error, socket) => {
    // The parser also reports everything that arrives afterwards.
    if (unreadable.has(socket)) return;
    unreadable.add(socket);
    void answerUnreadable(error, socket, exchanges.get(socket) ?? new Set());
  });

  const look = setInterval(
    () => cutThoseWhoDoNotRead(exchanges, response_timeout_ms),
    Math.min(1000, response_timeout_ms / 2),
  );
  look.unref();
  server.once('close', () => clearInterval(look));
};

const begin = (exchange: Exchange, listener: RequestListener): void => {
  const { req, res, has_begun } = exchange;
  if (has_begun || !req.socket.writable) return;
  exchange.has_begun = true;
  // With Expect: 100-continue, asks for the body only if its size is allowed.
  if (/^100-continue$/i.test(req.headers.expect ?? '') && lengthOf(req) <= LARGE_BYTES) res.writeContinue();
  listener(req, res);
};

/** Node's own timeouts only cover peers that do not send. */
const cutThoseWhoDoNotRead = (exchanges: Exchanges, response_timeout_ms: number): void => {
  const now = performance.now();
  for (const [socket, ofSocket] of exchanges) {
    for (const exchange of ofSocket) {
      const { res } = exchange;
      // The answer to a pipelined request has no socket until the answer before it is sent.
      const isWaiting = res.socket !== null && (res.writableEnded || res.writableNeedDrain);
      exchange.waiting_since = isWaiting ? (exchange.waiting_since ?? now) : undefined;
      if (now - (exchange.waiting_since ?? now) >= response_timeout_ms) socket.destroy();
    }
  }
};

const lengthOf = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0);

const mayBeLarge = (req: IncomingMessage): boolean =>
  req.headers['transfer-encoding'] !== undefined || lengthOf(req) > LARGE_BYTES;

/** Once a request is answered, Node would read the rest of its body, however long. */
const closeUnlessRead = (req: IncomingMessage, res: ServerResponse): void => {
  // After one read, Node no longer drains the body: it stops after one buffer.
  req.read(0);
  const { writeHead } = res;
  res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    if (!req.complete && !res.headersSent) res.setHeader('Connection', 'close');
    return Reflect.apply(writeHead, this, args);
  };
  res.once('finish', () => {
    if (req.complete) return;
    // Closing at once with unread bytes would reset the connection, and the peer could lose the answer.
    req.socket.destroySoon = () => endSoon(req.socket);
  });
};

const endSoon = (socket: Duplex, last?: string): void => {
  socket.end(last);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
};

/** Answers what Node's parser refuses with a problem: headers that are too large, and malformed or slow requests. */
const answerUnreadable = async (
  error: NodeJS.ErrnoException,
  socket: Duplex,
  exchanges: ReadonlySet<Exchange>,
): Promise<void> => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  // Complete requests that arrived earlier on this connection are answered first. An incomplete one never will be.
  const [whole, broken] = [true, false].map((isWhole) => [...exchanges].filter(({ req }) => req.complete === isWhole));
  await Promise.all((whole ?? []).map(({ res }) => new Promise((resolve) => res.once('close', resolve))));
  if (broken?.some(({ res }) => res.headersSent)) return endSoon(socket);
  endSoon(socket, describeUnreadable(error));
};

const describeUnreadable = ({ code }: NodeJS.ErrnoException): string => {
  const status = code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = JSON.stringify({
    ...describeProblem(new Problem('invalid_request', 'The request is not valid HTTP. Check its headers.'), ''),
    status,
  });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
};
