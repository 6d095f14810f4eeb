import type { Request } from 'express';
import type { Shelf } from './shelf.ts';
import type { Reply } from './stand-in.ts';

/** An account, with what opens it. */
export interface TwilioAccountState {
  sid: string;
  auth_token: string;
  /** Suspended and closed accounts are refused as wrong credentials are. https://www.twilio.com/docs/api/errors/20003 */
  status: 'active' | 'suspended' | 'closed';
  api_keys: { sid: string; secret: string }[];
}

/** A refusal with Twilio's error body. https://www.twilio.com/docs/usage/twilios-response */
export class TwilioRefusal extends Error {
  readonly reply: Reply;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.reply = { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
  }

  static readonly unauthenticated = () => new TwilioRefusal(401, 20_003, 'Authenticate');
  static readonly notFound = (path: string) =>
    new TwilioRefusal(404, 20_404, `The requested resource ${path} was not found`);
  static readonly invalid = (message: string) => new TwilioRefusal(400, 20_001, message);
  static readonly domainTaken = () => new TwilioRefusal(400, 21_248, 'Trunk Domain already taken');
}

/** The account of these credentials: its SID and auth token, or an API key of it. `named` is the account in the path, if any. */
export const account = async (
  authorization: string | undefined,
  named: string | undefined,
  shelf: Shelf,
): Promise<TwilioAccountState> => {
  const [username = '', password = ''] = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':');
  const accounts = await shelf.list<TwilioAccountState>('twilio.account');
  const opened = accounts.find(
    ({ sid, auth_token, api_keys }) =>
      (sid === username && auth_token === password) ||
      api_keys.some((key) => key.sid === username && key.secret === password),
  );
  if (opened === undefined || opened.status !== 'active') throw TwilioRefusal.unauthenticated();
  if (named !== undefined && named !== opened.sid) throw TwilioRefusal.unauthenticated();
  return opened;
};

const cut = (things: object[], req: Request, most: number) => {
  const page = Number(req.query.Page ?? 0);
  const page_size = Math.min(Number(req.query.PageSize ?? 50), most);
  const shown = things.slice(page * page_size, (page + 1) * page_size);
  const hasMore = things.length > (page + 1) * page_size;
  const query = new URLSearchParams(
    Object.entries(req.query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  query.set('Page', String(page + 1));
  query.set('PageSize', String(page_size));
  return { page, page_size, shown, next: hasMore ? `${req.path}?${query}` : null };
};

/** A list of the 2010 API: `next_page_uri` is relative to the host. */
export const listPage = (key: string, things: object[], req: Request): Reply => {
  const { page, page_size, shown, next } = cut(things, req, 1000);
  return {
    status: 200,
    body: { [key]: shown, page, page_size, start: page * page_size, uri: req.originalUrl, next_page_uri: next },
  };
};

/** A list of the newer APIs: `next_page_url` names Twilio's own host, whatever host was asked. */
export const versionPage = (key: string, things: object[], req: Request): Reply => {
  const { page, page_size, shown, next } = cut(things, req, 1000);
  const meta = {
    key,
    page,
    page_size,
    url: `https://trunking.twilio.com${req.originalUrl}`,
    next_page_url: next && `https://trunking.twilio.com${next}`,
  };
  return { status: 200, body: { meta, [key]: shown } };
};
