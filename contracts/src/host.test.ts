import { expect, it } from 'vitest';
import { isHost, splitHostAndPort } from './host.ts';
import { ImportPhoneNumber } from './phone-number.ts';

it.each([
  'sip.example.com',
  'sip.example.com.',
  'localhost',
  'mongo_1',
  'xn--mnchen-3ya.de',
  '203.0.113.7',
  '2001:db8::9',
  '3.example',
  '1-800.example',
])('%s can be a host', (text) => {
  expect(isHost(text)).toBe(true);
});

it.each([
  '',
  '.',
  '..',
  'a..b',
  '.a',
  '-a.example',
  'a-.example',
  'a b',
  '256.1.1.1',
  '1.2.3',
  '1.2.3.4.5',
  '2130706433',
  '0x7f000001',
  '127.0.0.0x1',
  'sip.example.123',
  `${'x'.repeat(64)}.example`,
  `${'x.'.repeat(127)}xx`,
  '1::2::3',
  'münchen.de',
  '203.0.113.7/24',
])('%j cannot be a host', (text) => {
  expect(isHost(text)).toBe(false);
});

it.each([
  ['sip.example.com:5060', { host: 'sip.example.com', port: 5060 }],
  ['[2001:db8::9]:5060', { host: '2001:db8::9', port: 5060 }],
  ['[2001:db8::9]', { host: '2001:db8::9', port: undefined }],
  ['2001:db8::9', { host: '2001:db8::9', port: undefined }],
  ['sip.example.com:0', undefined],
  ['sip.example.com:65536', undefined],
  ['sip.example.com:', undefined],
  ['[203.0.113.7]:5060', undefined],
  ['[2001:db8::9', undefined],
  [':5060', undefined],
  ['a:b:5060', undefined],
])('%s is read as host and port', (text, expected) => {
  expect(splitHostAndPort(text)).toEqual(expected);
});

it.each([
  '256.1.1.1',
  '1.2.3',
  '2130706433:5060',
  'sip.example.123',
  '0.0.0.0',
  '[::]:5060',
  '224.0.0.1',
  '255.255.255.255:5060',
  'a_b.example',
])('calls cannot be sent to %s', (sip_server_address) => {
  const input = { provider: 'sip', phone_number: '+15551234567', supports_outbound: true, sip_server_address };
  const issues = ImportPhoneNumber.safeParse(input).error?.issues ?? [];
  expect(issues.map(({ path }) => path.join('.'))).toEqual(['sip_server_address']);
});
