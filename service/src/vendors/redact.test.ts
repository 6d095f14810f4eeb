import { describe, expect, it } from 'vitest';
import { quote, translateStatus } from './failure.ts';

const secret = `p@ss/wörd "+&'<\\ 1~Z`;
const account = { vendor: 'Twilio', act: 'list numbers', secrets: [null, secret, undefined] };
const said = (text: string): string => quote(account, new Error(`you sent ${text}, which is wrong`)).message;

const json = JSON.stringify(secret).slice(1, -1);
const strict = encodeURIComponent(secret).replace(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16)}`);
const spellings: Record<string, string> = {
  'as it is': secret,
  'in capitals': secret.toUpperCase(),
  'in small letters': secret.toLowerCase(),
  'escaped as JSON': json,
  'escaped as JSON twice': JSON.stringify(json).slice(1, -1),
  'escaped as JSON with slashes, as PHP does': json.replaceAll('/', '\\/'),
  'escaped as JSON with angles, as Go does': json.replaceAll('<', '\\u003c').replaceAll('&', '\\u0026'),
  'escaped as JSON in ASCII, as Python does': json.replaceAll('ö', '\\u00f6'),
  'URL-encoded': encodeURIComponent(secret),
  'URL-encoded with small hex digits': encodeURIComponent(secret).replace(/%../g, (it) => it.toLowerCase()),
  'URL-encoded as RFC 3986 says': strict,
  'URL-encoded twice': encodeURIComponent(strict),
  'form-encoded': new URLSearchParams({ it: secret }).toString().slice('it='.length),
  'URL-encoded, within JSON': JSON.stringify({ body: encodeURIComponent(secret) }),
  'as XML': secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  'in hex': Buffer.from(secret).toString('hex'),
};

describe('a quoted message of a vendor', () => {
  it.each(Object.entries(spellings))('hides a secret that is spelled %s', (_how, spelled) => {
    expect(said(spelled)).not.toContain(spelled);
    expect(said(spelled)).toMatch(/^you sent .*\[secret\].*, which is wrong$/);
  });

  it.each(['', ':', 'AC:', 'AC1:', 'a-user:'])('hides a secret in base64 after "%s"', (before) => {
    for (const kind of ['base64', 'base64url'] as const) {
      for (const after of ['', '!', ':more']) {
        const encoded = Buffer.from(before + secret + after).toString(kind);
        for (const spelled of [encoded, encodeURIComponent(encoded)]) {
          const told = said(`Basic ${spelled}`);
          expect(told).toContain('[secret]');
          const kept = decodeURIComponent(/Basic (\S*?),/.exec(told)?.[1] ?? '');
          for (const part of kept.split('[secret]'))
            expect(Buffer.from(part, 'base64').toString()).not.toMatch(/ss|rd/);
        }
      }
    }
  });

  it('keeps everything else', () => {
    expect(said('+15551234567')).toBe('you sent +15551234567, which is wrong');
    expect(quote({ ...account, secrets: [] }, new Error('as it is')).message).toBe('as it is');
  });

  it('leaves out a code that is a secret', () => {
    const called = { ...account, secrets: ['0123456789abcdef0123456789abcdef'] };
    const detailOf = (code: string) => translateStatus(called, { status: 400, code }, new Error('no')).detail;
    expect(detailOf('0123456789ABCDEF0123456789abcdef')).toMatch(/^Twilio answered 400 when asked to list numbers\./);
    expect(detailOf('21211')).toMatch(/^Twilio answered 400 \(21211\) when asked to list numbers\./);
  });
});
