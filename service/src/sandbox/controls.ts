import express, { type Router } from 'express';
import helmet from 'helmet';
import { Fault, type Faults } from './faults.ts';
import { readOverview } from './overview.ts';
import { icon, pageOf } from './page/sandbox-page.ts';
import { script } from './page/script.ts';
import { style } from './page/style.ts';
import type { Shelf } from './shelf.ts';

const kinds = {
  twilio: ['number', 'trunk', 'origination_url', 'credential_list', 'credential', 'permission', 'caller_id', 'route'],
  livekit: ['inbound_trunk', 'outbound_trunk', 'dispatch_rule'],
};

/** The sandbox's own routes, for people and tests: show what it holds and what was called, and make it misbehave. */
export const createControls = ({ shelf, faults }: { shelf: Shelf; faults: Faults }): Router => {
  const router = express.Router();
  router.use(express.json());
  router.get('/', guarded, async (req, res) => {
    res.vary('Accept');
    // A client that accepts anything, such as curl, gets JSON: only a browser prefers a page.
    if (req.accepts(['json', 'html']) === 'html') return void res.type('html').send(pageOf([...faults.served]));
    const held = Object.entries(kinds).map(async ([vendor, names]) => {
      const things = names.map(async (name) => [name, await shelf.list(`${vendor}.${name}`)] as const);
      return [vendor, Object.fromEntries(await Promise.all(things))] as const;
    });
    res.type('json').send(JSON.stringify(Object.fromEntries(await Promise.all(held)), null, 2));
  });
  router.get('/page.css', guarded, (_req, res) => void res.type('css').send(style));
  router.get('/page.js', guarded, (_req, res) => void res.type('js').send(script));
  router.get('/icon.svg', guarded, (_req, res) => void res.type('svg').send(icon));
  router.get('/overview', async (_req, res) => void res.json(await readOverview(shelf, faults)));
  router.get('/calls', (_req, res) => void res.json(faults.calls));
  router.post('/faults', (req, res) => {
    const { data, error } = Fault.safeParse(req.body);
    if (!data)
      return void res
        .status(400)
        .json({ faults: error.issues.map(({ path, message }) => `${path.join('.')} ${message}`) });
    faults.add(data);
    res.status(204).end();
  });
  router.delete('/faults', (_req, res) => {
    faults.clear();
    res.status(204).end();
  });
  /** Answers once `count` calls are held. */
  router.get('/holding', async (req, res) => {
    await faults.holding(Number(req.query.count ?? 1));
    res.status(204).end();
  });
  router.post('/release', (_req, res) => {
    faults.release();
    res.status(204).end();
  });
  return router;
};

/** Loads nothing from other hosts, and allows no frames, in which a hidden click could arm a fault. */
const guarded = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
});
