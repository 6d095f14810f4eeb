import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express, { type Response, type Router } from 'express';
import helmet from 'helmet';
import { prebuilt } from './prebuilt.ts';
import { icon, pageOf, start, style } from './reference/docs-page.ts';
import { shorten } from './reference/shorten.ts';

const require = createRequire(import.meta.url);
const scalarFolder = join(dirname(require.resolve('@scalar/api-reference')), 'browser');

const ours = {
  'start.js': { body: start, type: 'text/javascript; charset=utf-8' },
  'style.css': { body: style, type: 'text/css; charset=utf-8' },
  'icon.svg': { body: icon, type: 'image/svg+xml' },
  'openapi.json': { body: JSON.stringify(shorten()), type: 'application/json; charset=utf-8' },
};

/** The folder of the page's files. Its name changes whenever a file does, so browsers can cache each file forever. */
export const docsFolder = `/docs/${createHash('sha256')
  .update(JSON.stringify(ours))
  // It names its chunks by a hash of their content, so it changes when any of them does.
  .update(readFileSync(join(scalarFolder, 'standalone.esm.js')))
  .digest('base64url')
  .slice(0, 12)}`;

const forEver = 'public, max-age=31536000, immutable';

/** The API reference page, served from an installed package: it loads nothing from other hosts. */
export const createDocs = (): Router => {
  const docs = express.Router();
  docs.use((_req, res, next) => {
    res.locals.nonce = randomBytes(16).toString('base64url');
    next();
  });
  docs.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives } }));
  docs.get('/', (_req, res) => void res.type('html').send(pageOf(docsFolder, res.locals.nonce)));
  const folder = docsFolder.slice('/docs'.length);
  for (const [name, file] of Object.entries(ours)) {
    docs.get(`${folder}/${name}`, prebuilt({ ...file, cache_control: forEver }));
  }
  for (const name of readdirSync(scalarFolder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const file = { body: () => readFile(join(scalarFolder, name)), type: 'text/javascript; charset=utf-8' };
    docs.get(`${folder}/scalar/${name.replaceAll('\\', '/')}`, prebuilt({ ...file, cache_control: forEver }));
  }
  return docs;
};

const directives = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrcElem: ["'self'", (_req: unknown, res: unknown) => `'nonce-${(res as Response).locals.nonce}'`],
  // Scalar writes style attributes, which no nonce can allow.
  styleSrcAttr: ["'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};
