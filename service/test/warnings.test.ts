import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { readWorld } from './world.ts';

let service: OpenedService;
let caller: Caller;
beforeAll(async () => {
  service = await openService();
  caller = service.admin;
});
afterAll(() => service.close());

const credentials = { sip_username: 'user', sip_password: 'pass' };
const inbound = { supports_inbound: true };
const guarded = { ...inbound, allowed_addresses: ['203.0.113.7'] };
const outbound = { supports_outbound: true, sip_server_address: 'sip.example.com' };

const importSip = async (fields: object) => {
  const phone_number = drawNumber();
  const { status, body } = await caller.rest('POST', '/api/phone-numbers', {
    phone_number,
    provider: 'sip',
    ...fields,
  });
  expect(status).toBe(201);
  const { warnings = [], ...data } = body.data;
  return { warnings: warnings as string[], data };
};

const importTwilio = async (fields: object) => {
  const owner = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(owner, [{ phone_number }]);
  const input = { phone_number, provider: 'twilio', integration_id, ...fields };
  const { status, body } = await owner.rest('POST', '/api/phone-numbers', input);
  expect(status).toBe(201);
  return (body.data.warnings ?? []) as string[];
};

describe('a list of addresses that allows everyone', () => {
  it.each([
    [['0.0.0.0/0']],
    [['0.0.0.0/1', '128.0.0.0/1']],
    [['::/0']],
    [['203.0.113.7/0']],
    [['0.0.0.0/0', '203.0.113.7']],
  ])('counts as no list: %j', async (allowed_addresses) => {
    const proving = await importSip({ ...inbound, ...credentials, allowed_addresses });
    expect(proving.data.inbound_authentication).toBe('digest');
    expect(proving.warnings).toEqual([expect.stringContaining('callers must prove sip_username and sip_password')]);
    const { inbound: trunks } = await readWorld(service);
    expect(trunks.find(({ numbers }) => numbers?.includes(proving.data.phone_number))).toMatchObject({
      authUsername: 'user',
      authPassword: 'pass',
    });

    const open = await importSip({ ...inbound, allowed_addresses });
    expect(open.data.inbound_authentication).toBe('none');
    expect(open.warnings).toEqual([
      expect.stringContaining('counts as no list'),
      expect.stringContaining('Anyone who finds the sip_uri'),
    ]);
  });

  it('does not override an explicit setting', async () => {
    const fields = { ...inbound, ...credentials, allowed_addresses: ['0.0.0.0/0'], inbound_authentication: 'none' };
    expect((await importSip(fields)).data.inbound_authentication).toBe('none');
  });
});

describe("a caller's own Twilio trunk", () => {
  const own = { ...inbound, ...outbound, ...credentials, sip_server_address: 'acme.pstn.twilio.com' };

  it.each(['acme.pstn.twilio.com', 'acme.pstn.ashburn.twilio.com', 'ACME.pstn.twilio.com:5060'])(
    'at %s is warned of what Twilio will refuse, in each direction',
    async (sip_server_address) => {
      const { data, warnings } = await importSip({ ...own, sip_server_address });
      expect(data).toMatchObject({ inbound_authentication: 'digest', media_encryption: 'allow' });
      expect(warnings).toEqual([
        expect.stringContaining('is a Twilio trunk'),
        expect.stringContaining('cannot answer a digest challenge'),
        expect.stringContaining('Set media_encryption to disable'),
      ]);
    },
  );

  it.each([
    ['without Secure Trunking', { media_encryption: 'disable' }],
    ['with Secure Trunking', { media_encryption: 'require', sip_transport: 'tls' }],
    ['with Secure Trunking, by the port', { media_encryption: 'allow', sip_server_address: 'a.pstn.twilio.com:5061' }],
  ])('that is set up as Twilio requires has no warning: %s', async (_how, fields) => {
    const fitting = { ...own, allowed_addresses: ['54.172.60.0/30'], inbound_authentication: 'none', ...fields };
    const { warnings } = await importSip(fitting);
    expect(warnings.filter((warning) => /twilio/i.test(warning))).toEqual([]);
  });

  it('is recognized only by its exact host', async () => {
    for (const sip_server_address of ['acme.sip.twilio.com', 'pstn.twilio.com.example', 'pstn-twilio.com']) {
      const { warnings } = await importSip({ ...own, sip_server_address });
      expect(warnings).toEqual([]);
    }
  });
});

describe('a field without effect', () => {
  it.each([
    ['sip_server_address', { ...guarded, sip_server_address: 'sip.example.com' }],
    ['sip_from_host', { ...guarded, sip_from_host: 'carrier.example.com' }],
    ['sip_transport', { ...guarded, sip_transport: 'tls' }],
    ['inbound_room_name', { ...outbound, inbound_room_name: 'desk' }],
    ['inbound_pin', { ...outbound, inbound_pin: '1234' }],
    ['agent_id', { ...outbound, agent_id: 'reception' }],
    ['allowed_addresses', { ...outbound, allowed_addresses: ['203.0.113.7'] }],
    ['inbound_authentication', { ...outbound, ...credentials, inbound_authentication: 'none' }],
  ])('is named, with what it needs: %s', async (field, fields) => {
    const missing = 'supports_outbound' in fields ? 'supports_inbound' : 'supports_outbound';
    const { warnings } = await importSip(fields);
    expect(warnings).toEqual([`${field} has no effect until ${missing} is true.`]);
  });

  it('is named in one sentence with others', async () => {
    const { warnings } = await importSip({ ...outbound, inbound_pin: '1234', agent_id: 'reception' });
    expect(warnings).toEqual(['inbound_pin, agent_id have no effect until supports_inbound is true.']);
  });

  it('is named for a Twilio number too', async () => {
    expect(
      await importTwilio({ supports_outbound: true, inbound_pin: '1234', replace_existing_routing: true }),
    ).toEqual(['inbound_pin, replace_existing_routing have no effect until supports_inbound is true.']);
    expect(await importTwilio({ supports_inbound: true, inbound_pin: '1234', replace_existing_routing: true })).toEqual(
      [],
    );
  });

  it('is reported for an import without a direction', async () => {
    expect((await importSip({ inbound_pin: '1234' })).warnings).toEqual([expect.stringContaining('nothing is built')]);
    expect(await importTwilio({})).toEqual([expect.stringContaining('nothing is built')]);
  });

  it('is not reported if both directions are requested', async () => {
    const fields = { ...inbound, ...outbound, ...credentials, inbound_pin: '1234', agent_id: 'reception' };
    expect((await importSip(fields)).warnings).toEqual([]);
  });
});
