import { Problem } from '@trunkline/contracts';
import type { Request } from 'express';
import getRawBody from 'raw-body';

export const MAX_BODY_BYTES = 100 * 1024;

export const tooLarge = () => new Problem('body_too_large', 'The body is larger than the limit of 100 KiB. Send less.');

/** Reads the body as text. Throws a `Problem` if it is not UTF-8, instead of replacing invalid bytes. */
export const readText = async (req: Request): Promise<string> => {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = req.headers;
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type) ?? [];
  if (charset.toLowerCase() !== 'utf-8' || encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', 'Send the body as uncompressed JSON in UTF-8.');
  }
  // Express's own parser reads a body that is too large to the end before it refuses it.
  const body = await getRawBody(req, { limit: MAX_BODY_BYTES }).catch((cause: unknown) => {
    throw translate(cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new Problem('invalid_request', 'The body is not valid UTF-8. Encode it as UTF-8.', { cause });
  }
};

/** Parses JSON. Throws a `Problem` if it is invalid or contains half of a surrogate pair. */
export const parseJson = (text: string, what: 'body' | 'input' = 'body'): unknown => {
  const value = parse(text, what);
  if (mayEscapeSurrogates.test(text) && !isWellFormed(value)) {
    throw new Problem(
      'invalid_request',
      `The ${what} contains half of a surrogate pair (\\ud800 to \\udfff), which is not a character. Send both halves or neither.`,
    );
  }
  return value;
};

const mayEscapeSurrogates = /\\u[dD][89a-fA-F]/;

const parse = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem(
      'invalid_request',
      `The ${what} is not valid JSON. Check it for a missing quote, comma or bracket.`,
      { cause },
    );
  }
};

/** Checks names and values, without recursion because nesting may be deep. */
const isWellFormed = (value: unknown): boolean => {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string' && !next.isWellFormed()) return false;
    if (typeof next !== 'object' || next === null) continue;
    for (const [name, member] of Object.entries(next)) left.push(name, member);
  }
  return true;
};

const translate = (error: unknown): unknown => {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return tooLarge();
  if (typeof status === 'number' && status < 500) {
    return new Problem('invalid_request', 'The body was incomplete. Send it again.', { cause: error });
  }
  return error;
};
