import type { TwilioCredentials } from '@trunkline/contracts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Conflict, ProviderProblem } from '../provisioning/index.ts';
import { createTwilio, type TwilioAccount } from './twilio.ts';

afterEach(() => vi.restoreAllMocks());

const sid = (prefix: string) => prefix + '0'.repeat(32);
const connect = createTwilio({ url: undefined, timeout_ms: 1000, measureCall: (_call, run) => run() });
const ofAccount = { provider: 'twilio', account_sid: sid('AC') } as const;
const token = 'a-token-of-32-letters-0123456789';
const byToken: TwilioCredentials = { ...ofAccount, auth_token: token };
const byKey: TwilioCredentials = { ...ofAccount, api_key_sid: sid('SK'), api_key_secret: 'a-secret' };

type Run = (account: TwilioAccount) => Promise<unknown>;
const route: Run = (account) => account.routeToTrunk(sid('PN'), sid('TK'));
const createTrunk: Run = (account) =>
  account.createTrunk({ name: 'n', domain_name: 'n.pstn.twilio.com', secure: false });
const permit: Run = (account) => account.permit(sid('TK'), sid('CL'));
const findNumber: Run = (account) => account.findNumber('+15551234567');

interface Answered {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const problemOf = async (run: Run, { status, body, headers = {} }: Answered, credentials = byToken) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(text, { status, headers }));
  const problem = await run(connect(credentials)).catch((error: unknown) => error);
  if (!(problem instanceof ProviderProblem)) throw new Error(`It is no problem: ${String(problem)}`);
  return problem;
};

const said = (code: number, message: string) => ({
  code,
  message,
  more_info: `https://www.twilio.com/docs/errors/${code}`,
});

describe("a refusal that the account's owner can fix is reported in Twilio's own words:", () => {
  it.each([
    ['a bundle is missing', route, 400, 21_649, 'Phone Number Requires a Bundle', /Regulatory Compliance/],
    ['an address is missing', route, 400, 21_631, 'Phone Number Requires an Address', /Regulatory Compliance/],
    ['the number is not available', route, 400, 21_422, 'PhoneNumber is not available', /carrier or account/],
    ['the number has left the account', route, 404, 20_404, 'The requested resource was not found', /have left this/],
    ['the number is being changed', route, 409, 20_409, 'Conflict', /may be moving/],
    ['a trial may not do it', route, 400, 21_404, 'Inbound Phone number not available to trial account', /Upgrade/],
    ['trial accounts do not have the feature', createTrunk, 403, 10_002, 'Trial accounts do not support it', /Upgrade/],
    ['a limit is reached', createTrunk, 400, 21_244, 'Maximum Number of Trunks reached', /no longer use/],
    ['a list has that name', permit, 400, 21_240, 'Credential List Validation Error', /already has this name/],
    ['it is forbidden', createTrunk, 403, 20_403, 'Forbidden', /what the account may do/],
  ])('%s', async (_why, run, status, code, message, does) => {
    const headers = { 'Twilio-Request-Id': 'RQ0123456789abcdef' };
    const problem = await problemOf(run, { status, body: said(code, message), headers });
    expect(problem).toMatchObject({ code: 'provider_refused', status: 400, passing: false, doubtful: false });
    expect(problem.detail).toContain(`Twilio says: "${message}". `);
    expect(problem.detail).toMatch(does);
    expect(problem.detail).toContain(`See https://www.twilio.com/docs/errors/${code}.`);
    expect(problem.members.provider).toEqual({
      name: 'twilio',
      status,
      code: String(code),
      message,
      request_id: 'RQ0123456789abcdef',
      more_info: `https://www.twilio.com/docs/errors/${code}`,
    });
  });

  it('reports a missing permission of a key, not wrong credentials', async () => {
    for (const status of [401, 403]) {
      const answered = { status, body: said(70_051, 'Authorization Error') };
      const problem = await problemOf(createTrunk, answered, byKey);
      expect(problem).toMatchObject({ code: 'provider_refused' });
      expect(problem.detail).toContain(`The API key ${sid('SK')} lacks the permission to create a SIP trunk.`);
      expect(await problemOf(createTrunk, answered, byToken)).toMatchObject({ code: 'provider_credentials_refused' });
    }
  });

  it('reports a taken name as a conflict, so that another name is tried first', async () => {
    const problem = await problemOf(createTrunk, { status: 400, body: said(21_248, 'Trunk Domain already taken') });
    expect(problem).toBeInstanceOf(Conflict);
    expect(problem).toMatchObject({ code: 'provider_refused', members: { provider: { code: '21248' } } });
  });

  it('says that parts of the carrier trunk stay, and that all else is rolled back', async () => {
    const body = said(21_649, 'no');
    expect((await problemOf(permit, { status: 400, body })).detail).toContain('the next import continues from there');
    expect((await problemOf(route, { status: 400, body })).detail).toContain(
      'Everything created for this request is rolled back.',
    );
  });
});

describe('what Twilio says', () => {
  it('is quoted without secrets, on one line, and cut if it is long', async () => {
    const message = `Bad ${token}\u202e\n by https://user:word@example.com/?token=1 ${'long '.repeat(200)}`;
    const { detail, members } = await problemOf(route, { status: 400, body: said(21_649, message) });
    expect(members.provider?.message).toMatch(/^Bad \[secret\] by https:\/\/\*\*\*@example\.com\/\?\*\*\* long /);
    expect(members.provider?.message?.length).toBeLessThan(510);
    for (const text of [detail, JSON.stringify(members)]) {
      expect(text).not.toContain(token);
      expect(text).not.toMatch(/word@|token=1|\u202e|\n/);
    }
  });

  it('is read with a code as text, as a problem document, and without any content', async () => {
    const asText = await problemOf(route, { status: 400, body: { code: '21649', message: 'Bundle' } });
    expect(asText).toMatchObject({ code: 'provider_refused', members: { provider: { code: '21649' } } });
    const type = 'https://www.twilio.com/docs/api/errors/21649';
    const document = { type, title: 'Bundle required', detail: 'Bring a bundle', status: 400, code: 21_649 };
    for (const run of [route, findNumber]) {
      const problem = await problemOf(run, { status: 400, body: document });
      expect(problem).toMatchObject({
        code: 'provider_refused',
        members: { provider: { code: '21649', message: 'Bring a bundle', more_info: type } },
      });
    }
    for (const body of ['', '<html>', 'null', '[]', '{"code":"TOO_MANY","message":5}']) {
      const problem = await problemOf(route, { status: 400, body });
      expect(problem).toMatchObject({ code: 'provider_error', passing: false, doubtful: false });
      expect(problem.members.provider).toEqual({
        ...{ name: 'twilio', status: 400, code: null, message: null, request_id: null, more_info: null },
      });
    }
  });

  it("links only to Twilio's own pages", async () => {
    for (const more_info of ['https://twilio.com.example/x', 'javascript:alert(1)', 'http://www.twilio.com/x']) {
      const { members } = await problemOf(route, { status: 400, body: { ...said(21_649, 'no'), more_info } });
      expect(members.provider?.more_info).toBe('https://www.twilio.com/docs/api/errors/21649');
    }
  });

  it('is quoted even for an unknown code', async () => {
    const problem = await problemOf(route, { status: 400, body: said(20_001, 'Unknown parameters.') });
    expect(problem).toMatchObject({ code: 'provider_error', members: { provider: { code: '20001' } } });
    expect(problem.detail).toMatch(
      /^Twilio answered 400 \(20001\) when asked to update the phone number: "Unknown parameters"\. Everything/,
    );
  });

  it('asks for a retry while the same number is being updated', async () => {
    const problem = await problemOf(route, { status: 409, body: said(20_162, 'A conflicting update is in progress') });
    expect(problem).toMatchObject({ code: 'provider_unavailable', passing: true, doubtful: false });
  });
});

it.each([
  ['null', { capabilities: null }],
  ['absent', {}],
  ['silent about voice', { capabilities: { sms: true, voice: null } }],
])('reads a number whose capabilities are %s as one without voice', async (_what, fields) => {
  const number = { sid: sid('PN'), phone_number: '+15551234567', voice_url: null, ...fields };
  const body = { incoming_phone_numbers: [number], page: 0, page_size: 1000, next_page_uri: null };
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(body));
  expect(await connect(byToken).findNumber('+15551234567')).toMatchObject({ number_sid: sid('PN'), has_voice: false });
});

it('sends no further request of a call once its credentials are replaced, and the call can be retried', async () => {
  const next_page_uri = '/2010-04-01/Accounts/AC/IncomingPhoneNumbers.json?Page=1&PageToken=PA1';
  const asked = vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => Response.json({ incoming_phone_numbers: [], next_page_uri }));
  const answers = [true, false];
  const account = connect(byToken, async () => answers.shift() ?? false);
  const problem = await account.findNumber('+15551234567').catch((error: unknown) => error);
  expect(problem).toMatchObject({ code: 'provider_unavailable', passing: true, doubtful: false });
  expect(asked).toHaveBeenCalledTimes(1);
});
