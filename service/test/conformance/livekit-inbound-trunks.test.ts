import { expect, it } from 'vitest';
import { invalid, malformed, onBothSides } from './both-sides.ts';
import { blankInbound, touched } from './livekit-shapes.ts';

const CREATE = 'CreateSIPInboundTrunk';
const LIST = 'ListSIPInboundTrunk';

const OPEN_TO_ALL =
  'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers';
/** What a trunk must not contain, besides its number. */
const faults: [object, string][] = [
  [{ headers: { '': 'x' } }, 'invalid header name: header name cannot be empty'],
  [{ headers: { ['X'.repeat(256)]: 'x' } }, 'invalid header name: header name too long (max 255 characters)'],
  [
    { headers: { 'bad name': 'x' } },
    'invalid header name: header name bad name contains invalid characters: char 32 not allowed',
  ],
  [{ headers: { a$: 'x' } }, 'invalid header name: header name a$ contains invalid characters: char 36 not allowed'],
  [
    { headers: { 'X-é': 'x' } },
    'invalid header name: header name X-é contains invalid characters: char 233 out of range, consider explicilty adding utf8 characters',
  ],
  [{ headers: { 'Call-ID': 'x' } }, 'invalid header name: header name Call-ID not supported'],
  [{ headers: { 'X-A': 'a\nb' } }, 'invalid header value for X-A: header X-A: value: char 10 not allowed'],
  [
    { headers: { 'X-A': 'a'.repeat(1025) } },
    'invalid header value for X-A: header X-A: value too long (max 1024 characters)',
  ],
  [
    { attributesToHeaders: { a: 'bad name' } },
    'invalid header name: header name bad name contains invalid characters: char 32 not allowed',
  ],
  [
    { headersToAttributes: { 'bad name': 'a' } },
    'invalid header name: header name bad name contains invalid characters: char 32 not allowed',
  ],
  [{ media: { codecs: [{ name: '' }] } }, 'missing codec name'],
  [{ media: { codecs: [{ name: 'a b' }] } }, 'invalid codec name'],
  [{ media: { codecs: [{ name: 'a/b' }] } }, "codec name must not contain '/'"],
  [{ media: { mediaTimeout: '-1s' } }, 'media_timeout must not be negative'],
  [{ media: { mediaTimeout: '600.5s' } }, 'media_timeout must not exceed 10m0s'],
];

onBothSides('creates inbound trunks', (side) => {
  it('with only a number, and returns every field', async () => {
    const trunk = await side().make(CREATE, { trunk: { numbers: ['+15550000001'] } });
    expect(trunk).toEqual({ ...blankInbound, numbers: ['+15550000001'] });
    expect((await side().make(LIST, {})).items).toEqual([trunk]);
  });

  it('with every field, and returns each as it was sent, even the password', async () => {
    const sent = {
      name: 'a name',
      metadata: '{"trunkline":{}}',
      numbers: ['+1 (555) 000-0002'],
      allowedAddresses: ['203.0.113.0/24', 'sip.example.com'],
      allowedNumbers: ['+1 555 777'],
      authUsername: 'user',
      authPassword: 'password',
      authRealm: 'realm',
      headers: { 'X-A': 'b' },
      headersToAttributes: { 'X-B': 'b' },
      attributesToHeaders: { a: 'X-C' },
      includeHeaders: 'SIP_ALL_HEADERS',
      ringingTimeout: '30s',
      maxCallDuration: '3600s',
      krispEnabled: true,
      mediaEncryption: 'SIP_MEDIA_ENCRYPT_REQUIRE',
      media: {
        encryption: 'SIP_MEDIA_ENCRYPT_REQUIRE',
        codecs: [{ name: 'PCMU', rate: 8000 }],
        onlyListedCodecs: true,
        mediaTimeout: '20s',
      },
      createdAt: '2020-01-01T00:00:00Z',
    };
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const { media, ...rest } = sent;
    const expected = {
      ...blankInbound,
      ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [snake(name), value])),
      media: Object.fromEntries(Object.entries(media).map(([name, value]) => [snake(name), value])),
    };
    const trunk = await side().make(CREATE, { trunk: sent });
    expect(trunk).toEqual(expected);
    expect((await side().make(LIST, { trunkIds: [trunk.sip_trunk_id] })).items).toEqual([trunk]);
  });

  it('with either spelling, ignoring unknown fields', async () => {
    const trunk = {
      numbers: ['+15550000001'],
      auth_username: 'x',
      authPassword: 'y',
      nope: 1,
      mediaEncryption: 'NOPE',
    };
    expect(await side().make(CREATE, { trunk, alsoNope: true })).toEqual({
      ...blankInbound,
      numbers: ['+15550000001'],
      auth_username: 'x',
      auth_password: 'y',
    });
  });

  it.each([
    [{ mediaEncryption: 'SIP_MEDIA_ENCRYPT_ALLOW' }, 'SIP_MEDIA_ENCRYPT_ALLOW', null],
    [{ mediaEncryption: 2 }, 'SIP_MEDIA_ENCRYPT_REQUIRE', null],
    [
      { media: { encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' } },
      'SIP_MEDIA_ENCRYPT_DISABLE',
      { ...touched, encryption: 'SIP_MEDIA_ENCRYPT_ALLOW' },
    ],
    [
      { media: { encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' } },
      'SIP_MEDIA_ENCRYPT_DISABLE',
      { ...touched, encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' },
    ],
    [
      { mediaEncryption: 'SIP_MEDIA_ENCRYPT_REQUIRE', media: { encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' } },
      'SIP_MEDIA_ENCRYPT_REQUIRE',
      { ...touched, encryption: 'SIP_MEDIA_ENCRYPT_DISABLE' },
    ],
  ])('with the two media fields independent of each other: %j', async (sent, media_encryption, media) => {
    expect(await side().make(CREATE, { trunk: { numbers: ['+15550000001'], ...sent } })).toMatchObject({
      media_encryption,
      media,
    });
  });

  it.each([
    [{}, 'missing trunk'],
    [{ trunk: { sipTrunkId: 'ST_x' } }, 'trunk id must not be set'],
    [{ trunk: {} }, OPEN_TO_ALL],
    [{ trunk: { allowedNumbers: ['+1'], name: 'x' } }, OPEN_TO_ALL],
    ...faults.map(([fields, msg]): [object, string] => [{ trunk: { numbers: ['+15550000001'], ...fields } }, msg]),
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(CREATE, body)).toEqual(invalid(msg));
    expect((await side().make(LIST, {})).items).toEqual([]);
  });

  it.each([
    { headers: { Via: 'x' } },
    { headersToAttributes: { 'Call-ID': 'a' } },
    { headers: { 'P-Asserted-Identity': 'no address' } },
    { headers: { 'X-A': 'é' } },
    { media: { mediaTimeout: '600s' } },
    { numbers: ['', 'letters', '*', '+15550000001', '+15550000001'] },
    { authUsername: 'without a password' },
  ])('and accepts %j', async (fields) => {
    await side().make(CREATE, { trunk: { numbers: ['+15550000001'], ...fields } });
  });

  it.each(['nonsense', '', '[]', 'null', { trunk: { numbers: '+1' } }, { trunk: { numbers: [1] } }])(
    'and cannot parse %j',
    async (body) => {
      expect(await side().post(CREATE, body)).toEqual(malformed);
    },
  );
});

onBothSides('lists inbound trunks', (side) => {
  const idsOf = async (body: object) =>
    (await side().make(LIST, body)).items.map(({ sip_trunk_id }: any) => sip_trunk_id);

  it('by id, including those for all numbers, and by numbers in any notation', async () => {
    const ids: string[] = [];
    for (const trunk of [
      { numbers: ['+15550000001'] },
      { numbers: ['15550000002'] },
      { allowedAddresses: ['1.2.3.4'] },
    ])
      ids.push((await side().make(CREATE, { trunk })).sip_trunk_id);
    const [one = '', two = '', any = ''] = ids;
    expect(await idsOf({})).toEqual(ids.toSorted());
    expect(await idsOf({ numbers: ['+15550000001'] })).toEqual([one, any].toSorted());
    expect(await idsOf({ numbers: ['1 (555) 000-0002'] })).toEqual([two, any].toSorted());
    expect(await idsOf({ trunkIds: [one, 'ST_unknown'] })).toEqual([one]);
    expect(await idsOf({ trunk_ids: [one, any], numbers: ['+15550000002'] })).toEqual([any]);
    expect(await idsOf({ numbers: ['+15559999999'] })).toEqual([any]);
  });

  it('completely, whatever the page; but stops early if the filter leaves nothing of a page', async () => {
    for (let n = 0; n < 4; n++) await side().make(CREATE, { trunk: { numbers: [`+1555000000${n}`] } });
    const { items } = await side().make(LIST, {});
    const ids = items.map(({ sip_trunk_id }: any) => sip_trunk_id);
    expect(await idsOf({ page: { limit: 1 } })).toEqual(ids);
    expect(await idsOf({ page: { afterId: ids[1], limit: 1 } })).toEqual(ids.slice(2));
    expect(await idsOf({ page: { limit: 1 }, numbers: items[0].numbers })).toEqual([ids[0]]);
    expect(await idsOf({ page: { limit: 1 }, numbers: items[3].numbers })).toEqual([]);
  });
});

onBothSides('deletes trunks', (side) => {
  const legacy = {
    kind: 'TRUNK_LEGACY',
    inbound_addresses: [],
    outbound_address: '',
    outbound_number: '',
    transport: 'SIP_TRANSPORT_AUTO',
    inbound_numbers_regex: [],
    inbound_numbers: [],
    inbound_username: '',
    inbound_password: '',
    outbound_username: '',
    outbound_password: '',
    name: '',
    metadata: '',
  };

  it('of both kinds, existing or not, with the same answer', async () => {
    const inbound = await side().make(CREATE, { trunk: { numbers: ['+1'] } });
    const outbound = await side().make('CreateSIPOutboundTrunk', { trunk: { numbers: ['+1'], address: 'a' } });
    for (const sip_trunk_id of [inbound.sip_trunk_id, inbound.sip_trunk_id, outbound.sip_trunk_id, 'ST_unknown'])
      expect(await side().make('DeleteSIPTrunk', { sip_trunk_id })).toEqual({ sip_trunk_id, ...legacy });
    expect((await side().make(LIST, {})).items).toEqual([]);
    expect((await side().make('ListSIPOutboundTrunk', {})).items).toEqual([]);
    expect(await side().post('DeleteSIPTrunk', {})).toEqual(invalid('trunk ID is required'));
  });

  it('even if a rule names them, and keeps the rule', async () => {
    const { sip_trunk_id } = await side().make(CREATE, { trunk: { numbers: ['+1'] } });
    const rule = { dispatchRuleIndividual: { roomPrefix: 'call' } };
    await side().make('CreateSIPDispatchRule', { rule, trunkIds: [sip_trunk_id] });
    await side().make('DeleteSIPTrunk', { sipTrunkId: sip_trunk_id });
    const { items } = await side().make('ListSIPDispatchRule', { trunkIds: [sip_trunk_id] });
    expect(items).toMatchObject([{ trunk_ids: [sip_trunk_id] }]);
  });
});
