import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeProblem, Problem } from '@trunkline/contracts';

/** What one connection may cost, and all of them. */
export interface ConnectionSettings {
  max_connections: number;
  /** Who takes longer to send a request is cut off. */
  request_timeout_ms: number;
  /** Who takes longer to take an answer is cut off. */
  response_timeout_ms: number;
  /** How long an idle connection is kept. */
  keep_alive_ms: number;
}

/** A request and its answer, until that is sent. */
interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** One request of a connection is served at a time. */
  has_begun: boolean;
  /** Since when the peer has been due to take the answer. */
  waiting_since: number | undefined;
}

type Exchanges = Map<Duplex, Set<Exchange>>;

/** Whoever sends more requests than this without waiting for an answer is cut off. */
const MAX_PIPELINED = 10;
/** A body larger than any that is taken is not read on once its request is answered. */
const LARGE_BYTES = 100 * 1024;
/** For so long a peer that was cut short can still read why. */
const LINGER_MS = 1000;

/** Serves requests, and keeps what one connection can cost within bounds that Node's own settings leave open. */
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
    // Not the connection alone: Node would then format an error's stack for each request that is left.
    if (ofSocket.size >= MAX_PIPELINED) return void req.destroy();
    const exchange: Exchange = { req, res, has_begun: false, waiting_since: undefined };
    ofSocket.add(exchange);
    if (mayBeLarge(req)) closeUnlessRead(req, res);
    res.once('close', () => {
      ofSocket.delete(exchange);
      // Others have their turn before the next request of this connection, however many it sent at once.
      const [next] = ofSocket;
      if (next !== undefined) setImmediate(begin, next, listener);
    });
    // All that came in one piece is parsed first: of a connection that is cut off for it, nothing is begun.
    if (ofSocket.size === 1) process.nextTick(begin, exchange, listener);
  });
  server.on('checkContinue', (req, res) => server.emit('request', req, res));

  const unreadable = new WeakSet<Duplex>();
  server.on('clientError', (error, socket) => {
    // The parser complains of all that comes after, too.
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
  // Who asks first is told to send a body only if one of its size may be taken.
  if (/^100-continue$/i.test(req.headers.expect ?? '') && lengthOf(req) <= LARGE_BYTES) res.writeContinue();
  listener(req, res);
};

/** Node's own timeouts are for those who do not send. */
const cutThoseWhoDoNotRead = (exchanges: Exchanges, response_timeout_ms: number): void => {
  const now = performance.now();
  for (const [socket, ofSocket] of exchanges) {
    for (const exchange of ofSocket) {
      const { res } = exchange;
      // Answers to pipelined requests wait for the one before; they have no socket until it is their turn.
      const isWaiting = res.socket !== null && (res.writableEnded || res.writableNeedDrain);
      exchange.waiting_since = isWaiting ? (exchange.waiting_since ?? now) : undefined;
      if (now - (exchange.waiting_since ?? now) >= response_timeout_ms) socket.destroy();
    }
  }
};

const lengthOf = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0);

const mayBeLarge = (req: IncomingMessage): boolean =>
  req.headers['transfer-encoding'] !== undefined || lengthOf(req) > LARGE_BYTES;

/** Once answered, Node would read all that is left of the request, however much that is. */
const closeUnlessRead = (req: IncomingMessage, res: ServerResponse): void => {
  // What was asked for once is no longer drained by Node: it stops at a buffer's worth.
  req.read(0);
  const { writeHead } = res;
  res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    if (!req.complete && !res.headersSent) res.setHeader('Connection', 'close');
    return Reflect.apply(writeHead, this, args);
  };
  res.once('finish', () => {
    if (req.complete) return;
    // Closed at once, with bytes unread, TCP would take the answer back.
    req.socket.destroySoon = () => endSoon(req.socket);
  });
};

const endSoon = (socket: Duplex, last?: string): void => {
  socket.end(last);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
};

/** What Node's parser refuses, answered as a problem like any other: absurd headers, broken requests, slow ones. */
const answerUnreadable = async (
  error: NodeJS.ErrnoException,
  socket: Duplex,
  exchanges: ReadonlySet<Exchange>,
): Promise<void> => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  // Whole requests that came before on this connection are answered first. One that broke off never will be.
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
