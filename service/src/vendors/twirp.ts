import { randomUUID } from 'node:crypto';
import { AccessToken } from 'livekit-server-sdk';
import { z } from 'zod';
import { boundedFetch, retryAfterMsOf } from './bounded-fetch.ts';

export interface TwirpOptions {
  url: string;
  api_key: string;
  api_secret: string;
  timeout_ms: number;
}

/** LiveKit answered with an error. */
export class TwirpRefusal extends Error {
  override name = 'TwirpRefusal';
  readonly status: number;
  readonly code: string | undefined;
  readonly said_retry_after_ms: number | undefined;
  /** LiveKit logs this id with the call. */
  readonly request_id: string;

  constructor(message: string, { status, code, said_retry_after_ms, request_id }: Omit<TwirpRefusal, keyof Error>) {
    super(message);
    this.request_id = request_id;
    this.status = status;
    this.code = code;
    this.said_retry_after_ms = said_retry_after_ms;
  }
}

const Refused = z.object({ code: z.string().optional().catch(undefined), msg: z.string() });

/** Calls LiveKit's SIP API, once: the SDK would resend a create whose answer was lost, and follow redirects. */
export const createTwirp = ({ url, api_key, api_secret, timeout_ms }: TwirpOptions) => {
  const base = new URL(url.replace(/^ws/i, 'http'));
  // A proxy may serve LiveKit under a path.
  const path = `${base.pathname.replace(/\/+$/, '')}/twirp/livekit.SIP`;
  const tokens = createTokens(api_key, api_secret);
  return async (method: string, request: unknown): Promise<unknown> => {
    const request_id = randomUUID();
    const { status, headers, body } = await boundedFetch(new URL(`${path}/${method}`, base), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json;charset=UTF-8',
        Authorization: `Bearer ${await tokens.get()}`,
        'X-Livekit-Request-Id': request_id,
      },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(timeout_ms),
    });
    if (status >= 200 && status < 300) return JSON.parse(body);
    if (status === 401) tokens.forget();
    const refused = Refused.safeParse(parseOrText(body)).data;
    throw new TwirpRefusal(refused?.msg ?? body.slice(0, 1000), {
      status,
      code: refused?.code,
      said_retry_after_ms: retryAfterMsOf(headers),
      request_id,
    });
  };
};

const TOKEN_MS = 10 * 60_000;

/** Tokens that may administer SIP. Each is used for half of its lifetime. */
const createTokens = (api_key: string, api_secret: string) => {
  let latest: { token: string; at: number } | undefined;
  return {
    get: async (): Promise<string> => {
      const age_ms = Date.now() - (latest?.at ?? 0);
      // A token is not valid before its creation, and the clock may have been set back.
      if (latest && age_ms >= 0 && age_ms < TOKEN_MS / 2) return latest.token;
      const at = Date.now();
      const token = new AccessToken(api_key, api_secret, { ttl: TOKEN_MS / 1000 });
      token.addSIPGrant({ admin: true });
      latest = { token: await token.toJwt(), at };
      return latest.token;
    },
    forget: (): void => {
      latest = undefined;
    },
  };
};

const parseOrText = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
};
