/** Larger than any expected answer: a page of 1,000 Twilio numbers is below 3 MB. */
const MAX_BYTES = 5_000_000;
/** An immediate retry would fail again. */
const MIN_RETRY_AFTER_MS = 1000;
const MAX_RETRY_AFTER_MS = 60 * 60_000;

export interface Answered {
  status: number;
  headers: Headers;
  body: string;
}

/** An answer that is not read any further. The message continues after the vendor's name. */
export class UnacceptableAnswer extends Error {
  override name = 'UnacceptableAnswer';
}

/** Sends one request: follows no redirect, reads 5 MB at most, and stops, even within the body, at the signal. */
export const boundedFetch = async (
  url: URL,
  init: { method: string; headers: Record<string, string>; body?: string | URLSearchParams; signal: AbortSignal },
): Promise<Answered> => {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    await letGo(response);
    throw new UnacceptableAnswer(`answered with a redirect (${status}), which is not followed`);
  }
  if (Number(headers.get('content-length')) > MAX_BYTES) {
    await letGo(response);
    throw tooLarge();
  }
  return { status, headers, body: await read(response) };
};

const read = async ({ body }: Response): Promise<string> => {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the stream, which closes the connection.
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const letGo = async ({ body }: Response): Promise<void> => {
  await body?.cancel().catch(() => undefined);
};

const tooLarge = () => new UnacceptableAnswer('sent an answer of more than 5 MB, which is not read');

/** Milliseconds of the Retry-After header, which has seconds or a date: limited to between a second and an hour. */
export const retryAfterMsOf = (headers: Headers, now = Date.now()): number | undefined => {
  const said = headers.get('retry-after')?.trim();
  if (!said) return undefined;
  const wait_ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - now;
  return Number.isNaN(wait_ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, wait_ms));
};
