import { expect, it } from 'vitest';
import { invalid, notFound, onBothSides } from './both-sides.ts';
import { blankOutbound, touched } from './livekit-shapes.ts';

const CREATE = 'CreateSIPOutboundTrunk';
const LIST = 'ListSIPOutboundTrunk';
const UPDATE = 'UpdateSIPOutboundTrunk';

const faults: [object, string][] = [
  [{}, 'no trunk numbers specified'],
  [{ numbers: ['+1'] }, 'no outbound address specified'],
  [{ numbers: ['+1'], address: 'a;transport=tcp' }, 'trunk address should not contain transport parameter'],
  ...['sip:a', 'sips:a', 'u@a', 'a;b'].map((address): [object, string] => [
    { numbers: ['+1'], address },
    'trunk address should be a hostname or IP, not SIP URI',
  ]),
  [{ numbers: ['+1'], address: 'a', fromHost: 'sip:b' }, 'from_host should be a hostname or IP, not SIP URI'],
  [{ numbers: ['+1'], address: 'a', fromHost: 'b;transport=tcp' }, 'from_host should not contain transport parameter'],
  [
    { numbers: ['+1'], address: 'a', headers: { 'b d': 'x' } },
    'invalid header name: header name b d contains invalid characters: char 32 not allowed',
  ],
  [{ numbers: ['+1'], address: 'a', media: { mediaTimeout: '601s' } }, 'media_timeout must not exceed 10m0s'],
];

onBothSides('creates outbound trunks', (side) => {
  it('with only number and address', async () => {
    const trunk = await side().make(CREATE, { trunk: { numbers: ['+15550000001'], address: 'sip.example.com' } });
    expect(trunk).toEqual({ ...blankOutbound, numbers: ['+15550000001'], address: 'sip.example.com' });
    expect((await side().make(LIST, {})).items).toEqual([trunk]);
  });

  it('with every field, and returns each', async () => {
    const trunk = {
      name: 'n',
      metadata: '{"trunkline":{}}',
      address: '[2001:db8::9]:5061',
      destinationCountry: 'Nowhere',
      transport: 'SIP_TRANSPORT_TLS',
      numbers: ['+15550000001'],
      authUsername: 'u',
      authPassword: 'p',
      headers: { 'X-A': 'b' },
      headersToAttributes: { 'X-B': 'b' },
      attributesToHeaders: { a: 'X-C' },
      includeHeaders: 'SIP_X_HEADERS',
      fromHost: 'example.com',
      mediaEncryption: 'SIP_MEDIA_ENCRYPT_REQUIRE',
      media: { encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' },
    };
    expect(await side().make(CREATE, { trunk })).toEqual({
      ...blankOutbound,
      name: trunk.name,
      metadata: trunk.metadata,
      address: trunk.address,
      destination_country: trunk.destinationCountry,
      transport: trunk.transport,
      numbers: trunk.numbers,
      auth_username: trunk.authUsername,
      auth_password: trunk.authPassword,
      headers: trunk.headers,
      headers_to_attributes: trunk.headersToAttributes,
      attributes_to_headers: trunk.attributesToHeaders,
      include_headers: trunk.includeHeaders,
      from_host: trunk.fromHost,
      media_encryption: trunk.mediaEncryption,
      media: { ...touched, encryption: trunk.mediaEncryption },
    });
  });

  it('as many for one number as requested', async () => {
    const trunk = { numbers: ['+15550000001'], address: 'a' };
    for (const _ of [1, 2]) await side().make(CREATE, { trunk });
    expect((await side().make(LIST, { numbers: trunk.numbers })).items).toHaveLength(2);
  });

  it.each([
    [{}, 'missing trunk'],
    [{ trunk: { sipTrunkId: 'ST_x' } }, 'trunk id must not be set'],
    ...faults.map(([trunk, msg]): [object, string] => [{ trunk }, msg]),
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(CREATE, body)).toEqual(invalid(msg));
  });

  it.each(['SIP:a', 'a b', 'a:port', '*'])('and accepts the address %s, which cannot be dialed', async (address) => {
    await side().make(CREATE, { trunk: { numbers: ['+1'], address } });
  });
});

onBothSides('lists outbound trunks', (side) => {
  it('by numbers in exactly the same notation', async () => {
    const ids: string[] = [];
    for (const number of ['+15550000001', '15550000001', '*'])
      ids.push((await side().make(CREATE, { trunk: { numbers: [number], address: 'a' } })).sip_trunk_id);
    const idsOf = async (body: object) =>
      (await side().make(LIST, body)).items.map(({ sip_trunk_id }: any) => sip_trunk_id);
    expect(await idsOf({})).toEqual(ids.toSorted());
    expect(await idsOf({ numbers: ['+15550000001'] })).toEqual([ids[0]]);
    expect(await idsOf({ numbers: ['+15550000001', '*'] })).toEqual([ids[0], ids[2]].toSorted());
    expect(await idsOf({ trunkIds: [ids[1], 'ST_unknown'] })).toEqual([ids[1]]);
    expect(await idsOf({ trunkIds: [ids[1]], numbers: ['*'] })).toEqual([]);
  });
});

onBothSides('updates outbound trunks', (side) => {
  const create = () => side().make(CREATE, { trunk: { numbers: ['+1'], address: 'a', name: 'before', metadata: 'm' } });

  it('field by field, even to empty', async () => {
    const trunk = await create();
    const update = {
      address: 'b',
      transport: 'SIP_TRANSPORT_UDP',
      numbers: { add: ['+7'] },
      destinationCountry: 'DE',
      authUsername: 'u',
      authPassword: 'p',
      metadata: '',
      fromHost: 'c',
      mediaEncryption: 'SIP_MEDIA_ENCRYPT_REQUIRE',
    };
    const changed = await side().make(UPDATE, { sipTrunkId: trunk.sip_trunk_id, update });
    expect(changed).toEqual({
      ...trunk,
      address: 'b',
      transport: 'SIP_TRANSPORT_UDP',
      numbers: ['+1', '+7'],
      destination_country: 'DE',
      auth_username: 'u',
      auth_password: 'p',
      metadata: '',
      from_host: 'c',
      media_encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE',
      media: { ...touched, encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE' },
    });
    const bare = { sipTrunkId: trunk.sip_trunk_id, update: { fromHost: '' } };
    expect(await side().make(UPDATE, bare)).toEqual({ ...changed, from_host: '' });
  });

  it('as a whole', async () => {
    const { sip_trunk_id } = await create();
    expect(await side().make(UPDATE, { sipTrunkId: sip_trunk_id, replace: { numbers: ['+8'], address: 'c' } })).toEqual(
      { ...blankOutbound, sip_trunk_id, numbers: ['+8'], address: 'c' },
    );
  });

  it.each([
    [{ address: 'sip:b' }, 'trunk address should be a hostname or IP, not SIP URI'],
    [{ address: '' }, 'no outbound address specified'],
    [{ numbers: { clear: true } }, 'no trunk numbers specified'],
  ])('but not to %j, without the error code for invalid input', async (update, msg) => {
    const { sip_trunk_id } = await create();
    expect(await side().post(UPDATE, { sipTrunkId: sip_trunk_id, update })).toEqual({
      status: 500,
      type: 'application/json',
      body: { code: 'unknown', msg },
    });
  });

  it.each([
    [{}, 'trunk id must be set'],
    [{ sipTrunkId: 'ST_unknown' }, 'missing or unsupported update action'],
    [{ sipTrunkId: 'ST_unknown', update: { numbers: {} } }, 'unsupported list update operation'],
    [
      { sipTrunkId: 'ST_unknown', replace: { sipTrunkId: 'ST_other', numbers: ['+1'], address: 'a' } },
      'trunk id in the info must be empty or match the id in the update',
    ],
    ...faults.map(([replace, msg]): [object, string] => [{ sipTrunkId: 'ST_unknown', replace }, msg]),
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(UPDATE, body)).toEqual(invalid(msg));
  });

  it('but not unknown or inbound ones', async () => {
    const inbound = await side().make('CreateSIPInboundTrunk', { trunk: { numbers: ['+1'] } });
    for (const sipTrunkId of [inbound.sip_trunk_id, 'ST_unknown'])
      expect(await side().post(UPDATE, { sipTrunkId, update: { name: 'x' } })).toEqual(
        notFound('requested sip trunk does not exist'),
      );
  });
});
