import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

export type Transport = 'tls' | 'tcp' | 'udp';

export interface SipServer {
  /** The name that carriers use. The certificate must be valid for it. */
  host: string;
  /** The address that `host` resolves to. */
  ip: string;
  port: number;
}

/** The server answered, but not with SIP. */
export class NotSip extends Error {
  override name = 'NotSip';
}

/**
 * Sends OPTIONS, which changes nothing at a SIP server (RFC 3261, 11), and resolves with the status of the answer:
 * livekit-sip answers 200, or 503 while it takes no calls. Rejects with the socket's error, or if the signal aborts.
 */
export const askOptions = (server: SipServer, transport: Transport, signal: AbortSignal): Promise<number> =>
  transport === 'udp' ? askOverUdp(server, signal) : askOverStream(server, transport, signal);

const askOverStream = async (server: SipServer, transport: 'tls' | 'tcp', signal: AbortSignal): Promise<number> => {
  signal.throwIfAborted();
  const { host, ip, port } = server;
  const socket: Socket =
    transport === 'tls'
      ? connectTls({ host: ip, port, ...(isIP(host) ? { servername: '' } : { servername: host }) })
      : connectTcp({ host: ip, port });
  const onAbort = () => socket.destroy(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, transport === 'tls' ? 'secureConnect' : 'connect');
    socket.write(optionsOf(server, transport, socket.localAddress ?? '', socket.localPort ?? 0));
    let answer = '';
    for await (const chunk of socket) {
      answer += chunk;
      if (answer.includes('\r\n') || answer.length > MAX_LINE) break;
    }
    return statusOf(answer);
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.on('error', () => {}).destroy();
  }
};

const askOverUdp = async (server: SipServer, signal: AbortSignal): Promise<number> => {
  const socket = createSocket(isIPv6(server.ip) ? 'udp6' : 'udp4');
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  try {
    socket.connect(server.port, server.ip);
    await once(socket, 'connect', { signal });
    const { address, port } = socket.address();
    const options = optionsOf(server, 'udp', address, port);
    // RFC 3261, 17.1.2: resends after half a second, then waits twice as long each time.
    const sending = (async () => {
      for (let pause_ms = 500; !until.aborted; pause_ms *= 2) {
        socket.send(options);
        await wait(pause_ms, undefined, { signal: until }).catch(() => {});
      }
    })();
    const [answer] = await once(socket, 'message', { signal });
    done.abort();
    await sending;
    return statusOf(String(answer));
  } finally {
    done.abort();
    socket.on('error', () => {}).close();
  }
};

const MAX_LINE = 1000;

const statusOf = (answer: string): number => {
  const [, status] = /^(?:\r\n)*SIP\/2\.0 ([1-6][0-9]{2}) /.exec(answer) ?? [];
  if (status === undefined)
    throw new NotSip(answer === '' ? 'hung up without an answer' : 'answered, but not with SIP');
  return Number(status);
};

const optionsOf = ({ host, port }: SipServer, transport: Transport, ip: string, local_port: number): string => {
  const token = () => randomBytes(8).toString('hex');
  const [there, here] = [host, ip].map((it) => (isIPv6(it) ? `[${it}]` : it));
  return [
    `OPTIONS sip:${there}:${port};transport=${transport} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${here}:${local_port};branch=z9hG4bK${token()};rport`,
    'Max-Forwards: 70',
    `From: <sip:trunkline@${here}>;tag=${token()}`,
    `To: <sip:${there}:${port}>`,
    `Call-ID: ${token()}@${here}`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:trunkline@${here}:${local_port};transport=${transport}>`,
    'User-Agent: Trunkline',
    'Accept: application/sdp',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');
};
