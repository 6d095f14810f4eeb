import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { RequestHandler } from 'express';

export interface Prebuilt {
  body: string | Buffer;
  /** A media type. */
  type: string;
  cache_control: string;
}

interface Variant {
  encoding: 'br' | 'gzip' | 'identity';
  body: Buffer;
  etag: string;
}

/** Answers what never changes: compressed once, at the first request, and from then on sent as it is, or as a 304. */
export const prebuilt = ({ body, type, cache_control }: Prebuilt): RequestHandler => {
  const whole = Buffer.from(body);
  let building: Promise<readonly Variant[]> | undefined;

  return async (req, res) => {
    building ??= build(whole);
    const variants = await building;
    const variant = variants.find(({ encoding }) => req.acceptsEncodings(encoding)) ?? identity(whole);
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

/** Little is gained beyond this, and much time lost. */
const BROTLI_QUALITY = 7;

const build = async (whole: Buffer): Promise<readonly Variant[]> => {
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    promisify(gzip)(whole),
  ]);
  const compressed = [
    { encoding: 'br', body: br, etag: etagOf(br) },
    { encoding: 'gzip', body: gzipped, etag: etagOf(gzipped) },
  ] as const;
  // Where nothing is gained, as in a picture, nothing is compressed.
  return [...compressed.filter(({ body }) => body.length < whole.length), identity(whole)];
};

const identity = (body: Buffer): Variant => ({ encoding: 'identity', body, etag: etagOf(body) });

const etagOf = (body: Buffer): string => `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
