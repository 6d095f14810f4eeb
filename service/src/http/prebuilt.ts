import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { RequestHandler } from 'express';

export interface Prebuilt {
  /** A function is called at the first request. */
  body: string | (() => Promise<Buffer>);
  /** A media type. */
  type: string;
  cache_control: string;
}

interface Variant {
  encoding: 'br' | 'gzip' | 'identity';
  body: Buffer;
  etag: string;
}

interface Built {
  /** Brotli first: it is the smallest. */
  compressed: readonly Variant[];
  whole: Variant;
}

/** Serves content that never changes: compressed at the first request, then sent from memory or answered with 304. */
export const prebuilt = ({ body, type, cache_control }: Prebuilt): RequestHandler => {
  let building: Promise<Built> | undefined;

  return async (req, res) => {
    building ??= build(body);
    const { compressed, whole } = await building;
    const variant = compressed.find(({ encoding }) => req.acceptsEncodings(encoding)) ?? whole;
    res.setHeader('Content-Type', type);
    res.setHeader('Cache-Control', cache_control);
    res.setHeader('Vary', 'Accept-Encoding');
    res.setHeader('ETag', variant.etag);
    if (variant.encoding !== 'identity') res.setHeader('Content-Encoding', variant.encoding);
    if (req.fresh) return void res.status(304).end();
    res.setHeader('Content-Length', variant.body.length);
    res.end(variant.body);
  };
};

/** Higher levels take much longer and save little. */
const BROTLI_QUALITY = 7;

const build = async (body: Prebuilt['body']): Promise<Built> => {
  const whole = typeof body === 'string' ? Buffer.from(body) : await body();
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    promisify(gzip)(whole),
  ]);
  const compressed = [
    { encoding: 'br', body: br, etag: etagOf(br) },
    { encoding: 'gzip', body: gzipped, etag: etagOf(gzipped) },
  ] as const;
  // Leaves out encodings that save nothing, for example of images.
  return {
    compressed: compressed.filter(({ body }) => body.length < whole.length),
    whole: { encoding: 'identity', body: whole, etag: etagOf(whole) },
  };
};

const etagOf = (body: Buffer): string => `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
