import { describe, expect, it } from 'vitest';
import { ImportPhoneNumber } from './phone-number.ts';

const sip = { phone_number: '+15551234567', provider: 'sip' };
const twilio = { phone_number: '+15551234567', provider: 'twilio', integration_id: 'intg_a1b2c3d4e5f6' };

const faultsOf = (input: object): string[] =>
  (ImportPhoneNumber.safeParse(input).error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')],
  );

describe('ImportPhoneNumber', () => {
  it('fills in the defaults', () => {
    expect(ImportPhoneNumber.parse(sip)).toEqual({
      ...sip,
      supports_inbound: false,
      supports_outbound: false,
      inbound_room_name: 'call',
      media_encryption: 'allow',
      sip_transport: 'auto',
    });
    expect(ImportPhoneNumber.parse(twilio)).toMatchObject({
      replace_existing_routing: false,
      inbound_room_name: 'call',
    });
  });

  it.each([
    ['an inbound PIN of 4 digits', { inbound_pin: '0000' }],
    ['an inbound PIN of 10 digits', { inbound_pin: '0123456789' }],
    ['a room name with a star', { inbound_room_name: 'support-*' }],
    ['a room name of 200 letters', { inbound_room_name: 'x'.repeat(200) }],
    ['a host', { sip_server_address: 'sip.example.com' }],
    ['a host and port', { sip_server_address: 'sip.example.com:5061' }],
    ['an address', { sip_server_address: '203.0.113.9' }],
    ['an address and port', { sip_server_address: '203.0.113.9:5060' }],
    ['an IPv6 address', { sip_server_address: '2001:db8::9' }],
    ['an IPv6 address and port', { sip_server_address: '[2001:db8::9]:5060' }],
    ['a From host', { sip_from_host: 'carrier.example.com' }],
    ['a From host that is an address', { sip_from_host: '2001:db8::9' }],
    ['addresses and ranges', { allowed_addresses: ['203.0.113.7', '203.0.113.0/24', '2001:db8::/32', '2001:db8::1'] }],
    ['a trunk name in any script', { sip_trunk_name: 'Vermittlung Köln 電話' }],
  ])('passes %s', (_what, fields) => {
    expect(faultsOf({ ...sip, ...fields })).toEqual([]);
  });

  it.each([
    ['inbound_pin', '123'],
    ['inbound_pin', '12345678901'],
    ['inbound_pin', '12a4'],
    ['inbound_pin', '12*4'],
    ['inbound_room_name', '{caller}'],
    ['inbound_room_name', 'a b'],
    ['inbound_room_name', '*'],
    ['inbound_room_name', '-_-'],
    ['inbound_room_name', 'x'.repeat(201)],
    ['inbound_room_name', 'a*b'],
    ['sip_server_address', 'sip:sip.example.com'],
    ['sip_server_address', 'user@sip.example.com'],
    ['sip_server_address', 'sip.example.com;transport=tls'],
    ['sip_server_address', 'sip.example.com:0'],
    ['sip_server_address', 'sip.example.com:65536'],
    ['sip_server_address', 'sip.example.com:port'],
    ['sip_server_address', ''],
    ['sip_server_address', 'a b'],
    ['sip_server_address', '[2001:db8::9'],
    ['sip_from_host', ''],
    ['sip_from_host', 'sip:example.com'],
    ['sip_from_host', 'user@example.com'],
    ['sip_from_host', 'example.com:5060'],
    ['sip_from_host', 'example.com;transport=tls'],
    ['sip_from_host', 'exa mple.com'],
    ['sip_from_host', 'my_host.example.com'],
    ['sip_from_host', '[2001:db8::9]'],
    ['sip_from_host', '1.2.3'],
    ['sip_from_host', `${'x.'.repeat(127)}com`],
    ['sip_trunk_name', ''],
    ['sip_trunk_name', 'x'.repeat(65)],
    ['sip_trunk_name', 'a\nb'],
    ['media_encryption', 'sometimes'],
    ['sip_transport', 'sctp'],
    ['inbound_authentication', 'basic'],
    ['allowed_addresses', []],
    ['allowed_addresses.0', ['203.0.113.0/33']],
    ['allowed_addresses.0', ['example.com']],
    ['agent_id', 'x'.repeat(129)],
    ['supports_inbound', 'yes'],
  ])('refuses %s: %j', (path, value) => {
    expect(faultsOf({ ...sip, [path.split('.')[0] ?? '']: value })).toEqual([path]);
  });

  it.each([
    ['support', 'support'],
    ['call-', 'call-'],
    ['call_', 'call_'],
    ['call-*', 'call-'],
    ['call*', 'call'],
  ])('reads the room name %s as the prefix %s', (inbound_room_name, prefix) => {
    expect(ImportPhoneNumber.parse({ ...sip, inbound_room_name }).inbound_room_name).toBe(prefix);
  });

  it('refuses fields of the other provider, and unknown ones, by name', () => {
    expect(faultsOf({ ...twilio, sip_username: 'u', media_encryption: 'allow', colour: 'red' })).toEqual([
      'sip_username',
      'media_encryption',
      'colour',
    ]);
    expect(faultsOf({ ...sip, integration_id: 'intg_a1b2c3d4e5f6' })).toEqual(['integration_id']);
  });

  it('reports faults between fields together with those of single fields', () => {
    expect(faultsOf({ ...sip, phone_number: 'x', sip_username: 'u', supports_outbound: true }).toSorted()).toEqual([
      'phone_number',
      'sip_password',
      'sip_server_address',
    ]);
    expect(faultsOf({ ...sip, sip_password: 'p' })).toEqual(['sip_username']);
    expect(faultsOf({ ...sip, inbound_authentication: 'digest' })).toEqual(['inbound_authentication']);
  });

  it('still checks the common fields if the provider is missing or unknown', () => {
    expect(faultsOf({ provider: 'vonage', phone_number: 'x', inbound_pin: 'y' }).toSorted()).toEqual([
      'inbound_pin',
      'phone_number',
      'provider',
    ]);
    expect(faultsOf({}).toSorted()).toEqual(['phone_number', 'provider']);
  });
});
