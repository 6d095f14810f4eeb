import { expect, it } from 'vitest';
import { reachOf, refuseLocalAddress } from './server-address.ts';

it.each([
  'localhost',
  'LOCALHOST.:5060',
  'sip.localhost',
  'localhost.localdomain',
  '127.0.0.1',
  '127.0.0.1:5060',
  '127.0.0.1.',
  '127.255.255.254',
  '127.1',
  '127.0.1:5060',
  '2130706433',
  '2130706433:5060',
  '017700000001',
  '0x7f000001',
  '0x7F.1',
  '0177.0.0.1',
  '0127.0.0.1',
  '0.0.0.0',
  '0',
  '169.254.169.254',
  '2852039166',
  '169.254.43518',
  '0xa9fea9fe',
  '::1',
  '[::1]',
  '[::1]:5060',
  '::',
  '[0:0:0:0:0:0:0:1]:5060',
  '::ffff:127.0.0.1',
  '[::ffff:7f00:1]:5060',
  '::ffff:169.254.169.254',
  '::127.0.0.1',
  'fe80::1',
  '[febf::1]:5060',
  '64:ff9b::127.0.0.1',
  '2002:7f00:1::',
])('%s leads back to the machine that dials', (address) => {
  expect(reachOf(address)).toBe('local');
  expect(() => refuseLocalAddress(address)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});

it.each([
  '10.1.2.3',
  '172.16.0.1:5060',
  '172.31.255.255',
  '192.168.1',
  '3232235777',
  '100.64.0.1',
  'fd00::1',
  '::ffff:10.0.0.1',
])('%s is in a private network', (address) => {
  expect(reachOf(address)).toBe('private');
  expect(() => refuseLocalAddress(address)).not.toThrow();
});

it.each([
  'sip.example.com',
  'sip.example.com:5060',
  '203.0.113.7',
  '172.32.0.1',
  '[2001:db8::1]:5060',
  '::ffff:203.0.113.7',
  '128.1',
  'localhost.example.com',
  'x127.0.0.1.example.com',
])('%s leads elsewhere', (address) => {
  expect(reachOf(address)).toBe('public');
});
