import { AsyncLocalStorage } from 'node:async_hooks';
import twilio from 'twilio';
import { z } from 'zod';
import { boundedFetch, retryAfterMsOf, UnacceptableAnswer } from './bounded-fetch.ts';
import { readRefusal, type TwilioSaid } from './twilio-answer.ts';

/** The SDK's default host, without a base URL or Region. */
export const TWILIO_API_URL = 'https://api.twilio.com';

/** One call to Twilio, which may read several pages under one deadline. */
export interface Exchange {
  signal: AbortSignal;
  /** Throws if no further request may be sent. */
  before(): Promise<void>;
  /** The HTTP status of the last answer. */
  status?: number;
  said_retry_after_ms?: number | undefined;
  /** The id that Twilio's support asks for. */
  request_id?: string | undefined;
  /** The content of an error answer: the SDK passes on less than Twilio says. */
  refused?: TwilioSaid | undefined;
}

/**
 * An HTTP client for the SDK on fetch: the SDK's own client limits silence but not a whole call, and accepts no other
 * base URL than Twilio's. Replacing the client is what Twilio recommends (twilio/twilio-node#326).
 */
export class TwilioHttp extends twilio.RequestClient {
  readonly #base: URL | undefined;
  /** The SDK passes no context to its HTTP client. */
  readonly #exchanges = new AsyncLocalStorage<Exchange>();

  constructor(base: string | undefined) {
    super();
    this.#base = base === undefined ? undefined : new URL(base);
  }

  /** Runs requests to Twilio within an exchange. Outside of one, requests throw. */
  within<T>(exchange: Exchange, run: () => Promise<T>): Promise<T> {
    return this.#exchanges.run(exchange, run);
  }

  /** The HTTP status of the last answer in the current exchange, even if its body names another. */
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
        // Tells a proxy which of Twilio's hosts, and so which Region, is meant.
        ...(this.#base && { 'X-Forwarded-Host': new URL(uri).host }),
      },
      ...(data && { body: formOf(data) }),
      signal: exchange.signal,
    });
    exchange.status = status;
    exchange.said_retry_after_ms = retryAfterMsOf(answered);
    exchange.request_id = answered.get('twilio-request-id') ?? undefined;
    exchange.refused = status < 400 ? undefined : readRefusal(status, body);
    // The SDK accepts any 2xx as success, even a page that a proxy put there.
    if (status < 300 && status !== NO_CONTENT) Json.parse(JSON.parse(body));
    // The SDK parses the text itself, so its type parameter does not describe this body.
    return { statusCode: status, body: body as TData, headers: Object.fromEntries(answered) };
  }

  #urlOf(uri: string, params: object | undefined): URL {
    const url = new URL(uri);
    for (const [name, value] of formOf(params ?? {})) url.searchParams.append(name, value);
    if (this.#base) return new URL(this.#base.pathname.replace(/\/$/, '') + url.pathname + url.search, this.#base);
    // The answer names the next page of a list, and the credentials are sent there.
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
