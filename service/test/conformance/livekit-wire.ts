import { SignJWT } from 'jose';
import type { LiveKit } from './livekit.ts';

interface Answer {
  status: number;
  type: string | null;
  // Tests read answers of every shape.
  body: any;
}

interface Sent {
  /** Default: `{ sip: { admin: true } }`; null: without a token. */
  grants?: object | null;
  /** The whole header, instead of a token. */
  authorization?: string;
  /** When the token expires, as in `10m from now`. */
  expires?: string;
  key?: string;
  secret?: string;
  type?: string;
  verb?: string;
}

export type Wire = (method: string, body: unknown, sent?: Sent) => Promise<Answer>;

const ADMIN = { sip: { admin: true } };

/** Sends plain Twirp requests, so that tests see what an SDK would hide. */
export const createWire = ({ url, api_key, api_secret }: LiveKit): Wire => {
  const tokenOf = ({ grants = ADMIN, expires = '10m', key = api_key, secret = api_secret }: Sent) =>
    new SignJWT({ ...grants })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(key)
      .setExpirationTime(expires)
      .sign(new TextEncoder().encode(secret));

  return async (method, body, sent = {}) => {
    const { authorization, type = 'application/json', verb = 'POST' } = sent;
    const bearer = authorization ?? (sent.grants === null ? undefined : `Bearer ${await tokenOf(sent)}`);
    const response = await fetch(`${url}/twirp/${method.includes('/') ? method : `livekit.SIP/${method}`}`, {
      method: verb,
      headers: { 'Content-Type': type, ...(bearer !== undefined && { Authorization: bearer }) },
      ...(verb === 'POST' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answered = response.headers.get('content-type');
    const bytes = Buffer.from(await response.arrayBuffer());
    const read = () => (answered?.startsWith('text/') ? bytes.toString() : bytes);
    const isJson = answered?.startsWith('application/json');
    return { status: response.status, type: answered, body: isJson ? JSON.parse(bytes.toString()) : read() };
  };
};
