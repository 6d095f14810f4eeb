import { describe, expect, it } from 'vitest';
import { createSecrets } from '../src/database/secrets.ts';
import { faultOf } from '../src/database/shape.ts';
import { upgrades } from '../src/database/upgrades.ts';
import { IntegrationRecord } from '../src/integrations/record.ts';
import { PhoneNumberRecord } from '../src/phone-numbers/record.ts';

type Row = Record<string, unknown>;

const secrets = createSecrets(new Map([['test', new Uint8Array(32)]]));

/** A row of a former schema after all upgrades. Fails unless today's shape accepts it, without extra fields. */
const upgraded = async (schema: number, collection: string, row: Row): Promise<Row> => {
  let turned: Row = { _id: 'its row', ...row };
  for (const upgrade of upgrades.slice(schema - 1)) {
    turned = (await upgrade[collection]?.(Object.freeze(turned), secrets)) ?? turned;
  }
  const { _id, ...rest } = turned;
  expect(_id).toBe('its row');
  expect(faultOf(collection === 'integrations' ? IntegrationRecord : PhoneNumberRecord, rest)).toBeUndefined();
  return rest;
};

const before = new Date('2026-11-25T12:00:00Z');
const at = new Date('2026-11-26T12:00:00Z');
const later = new Date('2026-11-26T12:00:30Z');
const [phone_number_id, integration_id] = ['phon_000000000001', 'intg_000000000001'] as const;
const [organization_id, key_id, request_id] = ['org_000000000001', 'key_000000000001', 'the-request'] as const;
const phone_number = '+15552000001';
const imported_by = { key_id, request_id: 'the-import', stored_request: null };
const importer = { actor: { key_id }, request_id: 'the-import' };
const asker = { actor: { key_id }, request_id };
const routing = {
  ...{ voice_url: 'https://example.com/voice', voice_method: 'POST', voice_fallback_url: null },
  ...{ voice_fallback_method: null, trunk_sid: null, voice_application_sid: null },
};

const ofEither = {
  ...{ phone_number_id, organization_id, phone_number, status: 'free', assigned_agent_id: null },
  ...{ supports_inbound: true, supports_outbound: true, inbound_room_name: 'call', inbound_pin: null },
  ...{ provisioning_state: 'active', created_at: before, updated_at: at },
};
const ofTwilio = { provider: 'twilio', integration_id, former_routing: 'sealed' };
const ofSip = {
  ...{ provider: 'sip', sip_trunk_name: 'Berlin', sip_username: 'user', sip_password: 'sealed' },
  ...{ sip_server_address: 'sip.example.com', media_encryption: 'allow', sip_transport: 'auto' },
  ...{ allowed_addresses: [], inbound_authentication: 'digest' },
};
const ofToday = { revision: 1, agent_metadata: null, label: null, description: null, inbound_pin_version: null };
const ofTodaysSip = { inbound_authentication: null, sip_from_host: null, sip_password_version: null };

const done = (resource_id: string) => ({ state: 'done', resource_id, at });
const parts = {
  carrier_trunk: done('TK1'),
  inbound_trunk: done('ST_in'),
  dispatch_rule: done('SDR_1'),
  outbound_trunk: done('ST_out'),
  carrier_routing: done('PN1'),
};
const integration = {
  ...{ integration_id, organization_id, name: 'Account', provider: 'twilio', status: 'active', account_sid: 'AC1' },
  ...{ credential_kind: 'auth_token', region: null, credentials: 'sealed', created_at: before, updated_at: at },
  carrier: { domain_name: 'trunkline', username: 'trunkline', password: 'sealed' },
};

/** Schemas 2 and 3 have steps, and a field for each kind of change. Releases exist since schema 3. */
const provisioningOf3 = {
  ...{ attempt: 1, doubtful_until: null, lease_token: null, problem: null, failure: null, assigning: null },
  steps: { verify_ownership: done('PN1'), ...parts },
  imported_by,
};
const numberOf3 = ({ provisioning, ...row }: Row = {}) => ({
  ...{ ...ofEither, ...ofTwilio, replace_existing_routing: false, ...row },
  provisioning: { ...provisioningOf3, ...Object(provisioning) },
});
const provisioningOfToday = {
  ...{ attempt: 1, uncertain_until: null, lease_token: null, problem: null, outcome: null, change: null },
  ...{ parts, imported_by, known: { number_sid: 'PN1', verified_at: at } },
};
const numberOfToday = ({ provisioning, ...row }: Row = {}) => ({
  ...{ ...ofEither, ...ofTwilio, ...ofToday, queue: integration_id, holds: phone_number, ...row },
  provisioning: { ...provisioningOfToday, ...Object(provisioning) },
});

const leased = { lease_token: 'token', due_at: later };
const nothing = { parts: {}, known: { number_sid: null, verified_at: null } };
const refused = { code: 'provider_refused', detail: 'No.' };
const statesOf3: Record<string, [then: Row, today: Row]> = {
  'is active': [{}, {}],
  'is importing, under a lease': [
    {
      ...{ provisioning_state: 'importing', replace_existing_routing: true },
      provisioning: { ...leased, steps: {} },
    },
    {
      provisioning_state: 'importing',
      provisioning: {
        ...{ ...leased, ...nothing },
        change: { kind: 'import', wanted: {}, ...importer, replace_existing_routing: true, at },
      },
    },
  ],
  'is importing, put off because an answer is uncertain': [
    { provisioning_state: 'importing', provisioning: { doubtful_until: later, due_at: later, problem: refused } },
    {
      provisioning_state: 'importing',
      provisioning: {
        ...{ uncertain_until: later, due_at: later, problem: refused },
        change: { kind: 'import', wanted: {}, ...importer, at },
      },
    },
  ],
  'is being removed because its import was refused': [
    { provisioning_state: 'releasing', provisioning: { ...leased, failure: refused } },
    { provisioning_state: 'releasing', provisioning: { ...leased, outcome: refused } },
  ],
  'is being assigned': [
    { provisioning: { ...leased, assigning: { agent_id: 'reception', key_id, request_id } } },
    {
      provisioning: {
        ...leased,
        change: { kind: 'assign', wanted: { status: 'assigned', assigned_agent_id: 'reception' }, ...asker, at },
      },
    },
  ],
  'is being unassigned': [
    {
      ...{ status: 'assigned', assigned_agent_id: 'reception' },
      provisioning: { ...leased, assigning: { agent_id: null, key_id, request_id } },
    },
    {
      ...{ status: 'assigned', assigned_agent_id: 'reception' },
      provisioning: {
        ...leased,
        change: { kind: 'unassign', wanted: { status: 'free', assigned_agent_id: null }, ...asker, at },
      },
    },
  ],
};

describe('a number of schema 2', () => {
  it.each(Object.entries(statesOf3))(
    'that %s is upgraded, with its former routing encrypted',
    async (_, [then, today]) => {
      const { former_routing, ...row } = await upgraded(
        2,
        'phone_numbers',
        numberOf3({ ...then, former_routing: routing }),
      );
      const { former_routing: _sealed, ...expected } = numberOfToday(today);
      expect(row).toEqual(expected);
      const opened = await secrets.open(String(former_routing), `phone_numbers/${phone_number_id}/former_routing`);
      expect(JSON.parse(opened)).toEqual(routing);
    },
  );

  it('that is gone keeps its former routing encrypted', async () => {
    const record = numberOf3({ former_routing: routing });
    const row = await upgraded(2, 'tombstones', { phone_number_id, at, record });
    const opened = await secrets.open(String(row.former_routing), `phone_numbers/${phone_number_id}/former_routing`);
    expect(JSON.parse(opened)).toEqual(routing);
  });
});

describe('a number of schema 3', () => {
  it.each(Object.entries(statesOf3))('that %s is upgraded', async (_, [then, today]) => {
    expect(await upgraded(3, 'phone_numbers', numberOf3(then))).toEqual(numberOfToday(today));
  });

  it.each([
    ['as its caller asked', { ...asker, force: false }, asker],
    ['by force', { ...asker, force: true }, { ...asker, force: true }],
    [
      'as the operator asked',
      { actor: { system: 'command_line' }, request_id: null, force: false },
      { actor: { system: 'command_line' }, request_id: null },
    ],
  ])('that is being released %s is still being released, for the same caller', async (_, releasing, asked) => {
    const then = numberOf3({ provisioning_state: 'releasing', provisioning: { ...leased, releasing } });
    const change = { kind: 'release', wanted: null, ...asked, at };
    expect(await upgraded(3, 'phone_numbers', then)).toEqual(
      numberOfToday({ provisioning_state: 'releasing', provisioning: { ...leased, change } }),
    );
  });

  it.each([
    ['is at rest', {}],
    ['is due', { due_at: later }],
  ])('that is gone and %s holds no number, and is deleted 90 days after it went', async (_, due) => {
    const record = numberOf3({
      provisioning_state: 'releasing',
      provisioning: { lease_token: 'token', doubtful_until: later, releasing: { ...asker, force: false } },
    });
    const { holds, ...today } = numberOfToday({ provisioning_state: 'gone', provisioning: due });
    expect(await upgraded(3, 'tombstones', { phone_number_id, at, ...due, record })).toEqual({
      ...today,
      expires_at: new Date(at.getTime() + 90 * 24 * 3_600_000),
    });
  });

  it('keeps the settings requested behind a SIP trunk, without defaults', async () => {
    const { integration_id: _1, former_routing: _2, replace_existing_routing: _3, ...row } = numberOf3(ofSip);
    const { integration_id: _4, former_routing: _5, ...today } = numberOfToday({ ...ofSip, ...ofTodaysSip });
    expect(await upgraded(3, 'phone_numbers', row)).toEqual({ ...today, queue: organization_id });
  });
});

/** Schema 4 has what was sent, except the names of trunks. */
const sentOf4 = {
  inbound_trunk: {
    ...{ allowed_addresses: [], media_encryption: 'allow', inbound_authentication: 'digest' },
    ...{ username: 'user', has_password: true },
  },
  outbound_trunk: {
    ...{ address: 'sip.example.com', from_host: null, transport: 'auto', media_encryption: 'allow' },
    ...{ username: 'user', has_password: true },
  },
  dispatch_rule: { inbound_trunk_id: 'ST_in', room_prefix: 'call', has_pin: false, agent_id: null },
};
const sipParts = Object.fromEntries(
  Object.entries(sentOf4).map(([name, sent]) => [name, { ...done(`its ${name}`), sent }]),
);
const numberOf4 = ({ provisioning, ...row }: Row = {}) => ({
  ...{ ...ofEither, ...ofSip, queue: organization_id, sip_from_host: null, ...row },
  ...(row.provisioning_state !== 'gone' && { holds: phone_number }),
  provisioning: { ...provisioningOfToday, ...nothing, obstacle: null, parts: sipParts, ...Object(provisioning) },
});
const change = (fields: Row) => ({ ...asker, wanted: {}, at, ...fields });

describe('a number of schema 4', () => {
  it.each([
    ['is active', {}],
    [
      'is importing',
      { provisioning_state: 'importing', provisioning: { ...leased, change: change({ kind: 'import' }) } },
    ],
    [
      'is being assigned',
      {
        provisioning: {
          ...leased,
          change: change({ kind: 'assign', wanted: { status: 'assigned', assigned_agent_id: 'reception' } }),
        },
      },
    ],
    [
      'is released',
      {
        provisioning_state: 'releasing',
        provisioning: { ...leased, change: change({ kind: 'release', wanted: null }) },
      },
    ],
    [
      'is being removed because its import was refused',
      { provisioning_state: 'releasing', provisioning: { ...leased, outcome: refused } },
    ],
    [
      'is degraded',
      {
        provisioning_state: 'degraded',
        provisioning: { obstacle: { ...refused, since: at }, uncertain_until: at, due_at: later },
      },
    ],
    ['is gone', { provisioning_state: 'gone', sip_password: null, expires_at: later }],
  ])('that %s keeps its state, with the settings as requested and the names of its trunks', async (_, state) => {
    const then = numberOf4(state);
    const { inbound_trunk, outbound_trunk, dispatch_rule } = sipParts;
    expect(await upgraded(4, 'phone_numbers', then)).toEqual({
      ...{ ...then, ...ofToday, ...ofTodaysSip },
      provisioning: {
        ...then.provisioning,
        parts: {
          inbound_trunk: { ...inbound_trunk, sent: { ...sentOf4.inbound_trunk, name: 'Berlin-in' } },
          outbound_trunk: { ...outbound_trunk, sent: { ...sentOf4.outbound_trunk, name: 'Berlin-out' } },
          dispatch_rule,
        },
      },
    });
  });

  it('stays uncertain about a trunk if it is unknown what was sent for it', async () => {
    const parts = { inbound_trunk: done('ST_in') };
    const { provisioning } = await upgraded(4, 'phone_numbers', numberOf4({ provisioning: { parts } }));
    expect(provisioning).toHaveProperty('parts', parts);
  });

  it('at Twilio has trunks that are named after the number, as before', async () => {
    const sent = { ...parts, inbound_trunk: { ...parts.inbound_trunk, sent: { media_encryption: 'require' } } };
    const { revision, agent_metadata, label, description, inbound_pin_version, ...then } = numberOfToday({
      provisioning: { parts: sent },
    });
    expect(await upgraded(4, 'phone_numbers', then)).toEqual(numberOfToday({ provisioning: { parts: sent } }));
  });

  it.each([
    { allowed_addresses: [], sip_username: 'user', inbound_authentication: 'digest', asked: null },
    { allowed_addresses: [], sip_username: 'user', inbound_authentication: 'none', asked: 'none' },
    { allowed_addresses: [], sip_username: null, inbound_authentication: 'none', asked: null },
    { allowed_addresses: ['192.0.2.1'], sip_username: 'user', inbound_authentication: 'none', asked: null },
    { allowed_addresses: ['192.0.2.1'], sip_username: 'user', inbound_authentication: 'digest', asked: 'digest' },
  ])(
    'with the authentication $inbound_authentication of $sip_username from $allowed_addresses was asked for $asked',
    async (stored) => {
      const { asked, ...row } = stored;
      const { inbound_authentication } = await upgraded(4, 'phone_numbers', numberOf4(row));
      expect(inbound_authentication).toBe(asked);
    },
  );
});

describe('an integration', () => {
  const carrierParts = {
    trunk: done('TK1'),
    origination_url: { state: 'failed', resource_id: null, at, problem: refused },
  };
  const bare = { attempt: 1, lease_token: 'token', due_at: later, problem: refused };
  const today = {
    ...{ ...integration, queue: integration_id, revision: 1, state: 'active', holds: 'AC1' },
    provisioning: { ...bare, uncertain_until: later, parts: carrierParts },
  };

  it.each([2, 3])('of schema %i gets a queue of its own, and its steps become parts', async (schema) => {
    const row = { ...integration, provisioning: { ...bare, doubtful_until: later, steps: carrierParts } };
    expect(await upgraded(schema, 'integrations', row)).toEqual(today);
  });

  it.each([
    ['us1', null],
    ['ie1', 'ie1'],
    [null, null],
  ])('of schema 4 in the Region %s is in %s', async (region, now) => {
    const { revision, state, holds, ...row } = today;
    expect(await upgraded(4, 'integrations', { ...row, region })).toEqual({ ...today, region: now });
  });
});
