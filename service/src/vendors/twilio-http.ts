import { AsyncLocalStorage } from 'node:async_hooks';
import twilio from 'twilio';
import { z } from 'zod';
import { boundedFetch, retryAfterMsOf, UnacceptableAnswer } from './bounded-fetch.ts';
import { readRefusal, type TwilioSaid } from './twilio-answer.ts';

/** Where the SDK finds Twilio, unless a base URL or a Region is set. */
export const TWILIO_API_URL = 'https://api.twilio.com';

/** What one call to us asks of Twilio, which may be several pages: all have one deadline. */
export interface Exchange {
  signal: AbortSignal;
  /** Throws where nothing more may be asked. */
  before(): Promise<void>;
  /** Of the last answer. */
  status?: number;
  said_retry_after_ms?: number | undefined;
  /** What Twilio's support asks for. */
  request_id?: string | undefined;
  /** Of an answer that is no success. The SDK hands on less than Twilio says. */
  refused?: TwilioSaid | undefined;
}

/**
 * The SDK's HTTP client on fetch: the SDK's own limits silence, not a whole call, and knows no other base URL than
 * Twilio's (replacing the client is what Twilio recommends, twilio/twilio-node#326).
 */
export class TwilioHttp extends twilio.RequestClient {
  readonly #base: URL | undefined;
  /** The SDK passes nothing of ours on to its HTTP client. */
  readonly #exchanges = new AsyncLocalStorage<Exchange>();

  constructor(base: string | undefined) {
    super();
    this.#base = base === undefined ? undefined : new URL(base);
  }

  /** Runs what asks Twilio; nothing is asked outside of an exchange. */
  within<T>(exchange: Exchange, run: () => Promise<T>): Promise<T> {
    return this.#exchanges.run(exchange, run);
  }

  /** Of the exchange that this runs in. A body may name another status; that of HTTP counts. */
  lastStatus(): number | undefined {
    return this.#exchanges.getStore()?.status;
  }

  override async request<TData>({ method, uri, username, password, headers, params, data }: RequestOptions<TData>) {
    const exchange = this.#exchanges.getStore();
    if (exchange === undefined) throw new Error('Twilio is asked outside of an exchange');
    await exchange.before();
    const {
      status,
      headers: answered,
      body,
    } = await boundedFetch(this.#urlOf(uri, params), {
      method: method.toUpperCase(),
      headers: {
        ...headers,
        Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        // Else whoever stands in between could not tell one Region of Twilio's from another.
        ...(this.#base && { 'X-Forwarded-Host': new URL(uri).host }),
      },
      ...(data && { body: formOf(data) }),
      signal: exchange.signal,
    });
    exchange.status = status;
    exchange.said_retry_after_ms = retryAfterMsOf(answered);
    exchange.request_id = answered.get('twilio-request-id') ?? undefined;
    exchange.refused = status < 400 ? undefined : readRefusal(status, body);
    // The SDK takes any 2xx for a success, whatever a proxy has put there.
    if (status < 300 && status !== NO_CONTENT) Json.parse(JSON.parse(body));
    // The SDK parses the text itself, so its type parameter is not what comes back here.
    return { statusCode: status, body: body as TData, headers: Object.fromEntries(answered) };
  }

  #urlOf(uri: string, params: object | undefined): URL {
    const url = new URL(uri);
    for (const [name, value] of formOf(params ?? {})) url.searchParams.append(name, value);
    if (this.#base) return new URL(this.#base.pathname.replace(/\/$/, '') + url.pathname + url.search, this.#base);
    // The next page of a list is whatever Twilio's answer says it is, and the credentials go there.
    const isTwilio = url.protocol === 'https:' && url.hostname.endsWith('.twilio.com') && url.port === '';
    if (!isTwilio) throw new UnacceptableAnswer('A list names a page that is not at twilio.com');
    return url;
  }
}

const NO_CONTENT = 204;
const Json = z.record(z.string(), z.unknown());

type RequestOptions<TData> = Parameters<InstanceType<typeof twilio.RequestClient>['request']>[0] & { data?: TData };

const formOf = (values: object): URLSearchParams =>
  new URLSearchParams(
    Object.entries(values).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
