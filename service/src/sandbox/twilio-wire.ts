import type { Request } from 'express';
import type { Reply } from './stand-in.ts';

/** A refusal with Twilio's error body. https://www.twilio.com/docs/usage/twilios-response */
export class TwilioRefusal extends Error {
  readonly reply: Reply;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.reply = { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
  }

  static readonly unauthenticated = () => new TwilioRefusal(401, 20_003, 'Authenticate');
  /** The page documents the causes, but no HTTP status. https://www.twilio.com/docs/api/errors/70051 */
  static readonly notPermitted = () => new TwilioRefusal(401, 70_051, 'Authorization Error');
  static readonly notFound = (path: string) =>
    new TwilioRefusal(404, 20_404, `The requested resource ${path} was not found`);
  static readonly invalid = (message: string) => new TwilioRefusal(400, 20_001, message);
  static readonly domainTaken = () => new TwilioRefusal(400, 21_248, 'Trunk Domain already taken');
}

/** Regions are isolated. https://www.twilio.com/docs/global-infrastructure/understanding-twilio-regions */
export const regions = ['us1', 'ie1', 'au1'] as const;
export type Region = (typeof regions)[number];

/** The Twilio host that the request was meant for, as a proxy passes it on. */
export const hostOf = ({ headers, path }: Request): string => {
  const [, version = ''] = path.split('/');
  return String(headers['x-forwarded-host'] ?? hosts[version] ?? 'api.twilio.com');
};

const hosts: Record<string, string> = { v1: 'trunking.twilio.com', v2: 'routes.twilio.com' };

/** A host without a Region belongs to US1. */
export const regionOf = (host: string): Region =>
  regions.find((region) => host.endsWith(`.${region}.twilio.com`)) ?? 'us1';

/** The date format of the 2010 API; the newer APIs answer dates as they are stored. */
export const rfc2822 = (date: unknown): string | null =>
  typeof date === 'string' ? new Date(date).toUTCString().replace('GMT', '+0000') : null;

const MOST_PER_PAGE = 1000;
const TOKEN = 'PA';

const cut = <T extends object>(things: readonly T[], req: Request, from?: number) => {
  const page = Number(req.query.Page ?? 0);
  const page_size = Math.min(Number(req.query.PageSize ?? 50), MOST_PER_PAGE);
  const start = from ?? page * page_size;
  const pathOf = (wanted: number): string => {
    const { PageToken: _, ...asking } = req.query;
    const query = Object.entries(asking).map(([name, value]): [string, string] => [name, String(value)]);
    const asked = { ...Object.fromEntries(query), PageSize: String(page_size), Page: String(wanted) };
    return `${req.path}?${new URLSearchParams(asked)}`;
  };
  return {
    page,
    page_size,
    shown: things.slice(start, start + page_size),
    first: pathOf(0),
    previous: page > 0 ? pathOf(page - 1) : null,
    next: things.length > start + page_size ? pathOf(page + 1) : null,
  };
};

/** A list of the 2010 API, with relative links. Its token continues after a thing, even one that was removed. */
export const listPage = (key: string, listed: readonly { sid: string }[], req: Request): Reply => {
  const things = listed.toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
  const after = typeof req.query.PageToken === 'string' ? req.query.PageToken.slice(TOKEN.length) : undefined;
  const from = after === undefined ? undefined : things.filter(({ sid }) => sid <= after).length;
  const { page, page_size, shown, first, previous, next } = cut(things, req, from);
  const start = page * page_size;
  const body = {
    [key]: shown,
    page,
    page_size,
    start,
    end: start + Math.max(shown.length - 1, 0),
    uri: req.originalUrl,
    first_page_uri: first,
    previous_page_uri: previous,
    next_page_uri: next && `${next}&PageToken=${TOKEN}${shown.at(-1)?.sid}`,
  };
  return { status: 200, body };
};

/** A list of the newer APIs: links name Twilio's own host, whatever host was called. */
export const versionPage = (key: string, things: object[], req: Request): Reply => {
  const { page, page_size, shown, first, previous, next } = cut(things, req);
  const at = (path: string | null) => path && `https://${hostOf(req)}${path}`;
  const meta = {
    key,
    page,
    page_size,
    url: at(req.originalUrl),
    first_page_url: at(first),
    previous_page_url: at(previous),
    next_page_url: at(next),
  };
  return { status: 200, body: { meta, [key]: shown } };
};
