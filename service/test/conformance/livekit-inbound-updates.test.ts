import { expect, it } from 'vitest';
import { invalid, malformed, notFound, onBothSides } from './both-sides.ts';
import { blankInbound, touched } from './livekit-shapes.ts';

const CREATE = 'CreateSIPInboundTrunk';
const LIST = 'ListSIPInboundTrunk';
const UPDATE = 'UpdateSIPInboundTrunk';

onBothSides('updates inbound trunks', (side) => {
  const number = '+15550000001';
  const create = async (fields: object = {}) => side().make(CREATE, { trunk: { numbers: [number], ...fields } });
  const update = (sipTrunkId: string, fields: object) => side().post(UPDATE, { sipTrunkId, update: fields });

  it('field by field, keeping the others, and adds `media`', async () => {
    const trunk = await create({ name: 'before', metadata: 'kept', headers: { 'X-A': 'b' } });
    const changed = await side().make(UPDATE, { sipTrunkId: trunk.sip_trunk_id, update: { name: 'after' } });
    expect(changed).toEqual({ ...trunk, name: 'after', media: touched });
    expect((await side().make(LIST, {})).items).toEqual([changed]);
  });

  it('by changing its lists', async () => {
    const { sip_trunk_id } = await create();
    const numbersAfter = async (numbers: object) => (await update(sip_trunk_id, { numbers })).body.numbers;
    expect(await numbersAfter({ add: [number, '+2'], remove: ['+9'] })).toEqual([number, '+2']);
    expect(await numbersAfter({ remove: [number], add: ['+3'] })).toEqual(['+2', '+3']);
    expect(await numbersAfter({ set: ['+4', '+4'] })).toEqual(['+4', '+4']);
    expect(await numbersAfter({ remove: ['+4'], add: ['+5', '+5'] })).toEqual(['+4', '+5']);
  });

  it.each([
    [{ numbers: {} }, 'unsupported list update operation'],
    [{ numbers: { clear: true, set: ['+1'] } }, 'cannot clear and change the list at the same time'],
    [{ numbers: { set: ['+1'], add: ['+2'] } }, 'cannot set and change the list at the same time'],
    [{ allowedNumbers: { add: [''] } }, 'empty element in the list'],
    [{ media: { mediaTimeout: '601s' } }, 'media_timeout must not exceed 10m0s'],
  ])('but refuses %j, even for an unknown trunk', async (fields, msg) => {
    const { sip_trunk_id } = await create();
    expect(await update(sip_trunk_id, fields)).toEqual(invalid(msg));
    expect(await update('ST_unknown', fields)).toEqual(invalid(msg));
  });

  it('but accepts no array for a list', async () => {
    const { sip_trunk_id } = await create();
    expect(await update(sip_trunk_id, { numbers: ['+1'] })).toEqual(malformed);
  });

  it('but not to one that admits everyone', async () => {
    const { sip_trunk_id } = await create();
    expect(await update(sip_trunk_id, { numbers: { clear: true } })).toEqual(
      invalid(
        'twirp error unknown: for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers',
      ),
    );
  });

  it('with `media` taking precedence over the older field, unless it names no encryption', async () => {
    const { sip_trunk_id } = await create();
    const after = async (fields: object) => {
      const { media, media_encryption } = (await update(sip_trunk_id, fields)).body;
      return [media.encryption, media_encryption];
    };
    const [disable, allow, require] = ['DISABLE', 'ALLOW', 'REQUIRE'].map((word) => `SIP_MEDIA_ENCRYPT_${word}`);
    expect(await after({ mediaEncryption: require })).toEqual([require, require]);
    expect(await after({ media: { encryption: allow } })).toEqual([allow, allow]);
    expect(await after({ media: {} })).toEqual([allow, allow]);
    expect(await after({ mediaEncryption: disable })).toEqual([allow, allow]);
    expect(await after({ media: { encryption: disable } })).toEqual([disable, disable]);
  });

  it('as a whole, keeping only the id', async () => {
    const trunk = await create({ name: 'before', metadata: 'gone' });
    const { sip_trunk_id } = trunk;
    const replace = { sipTrunkId: sip_trunk_id, numbers: [number], name: 'after' };
    expect(await side().make(UPDATE, { sipTrunkId: sip_trunk_id, replace })).toEqual({
      ...blankInbound,
      sip_trunk_id,
      numbers: [number],
      name: 'after',
    });
  });

  it.each([
    [{}, 'trunk id must be set'],
    [{ sipTrunkId: 'ST_unknown' }, 'missing or unsupported update action'],
    [{ sipTrunkId: 'ST_unknown', replace: null }, 'missing or unsupported update action'],
    [
      { sipTrunkId: 'ST_unknown', replace: { sipTrunkId: 'ST_other', numbers: ['+1'] } },
      'trunk id in the info must be empty or match the id in the update',
    ],
    [
      { sipTrunkId: 'ST_unknown', replace: {} },
      'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers',
    ],
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(UPDATE, body)).toEqual(invalid(msg));
  });

  it('but cannot parse two actions at once', async () => {
    const body = { sipTrunkId: 'ST_unknown', replace: { numbers: ['+1'] }, update: { name: 'x' } };
    expect(await side().post(UPDATE, body)).toEqual(malformed);
  });

  it('but not unknown or outbound ones', async () => {
    const unknown = notFound('requested sip trunk does not exist');
    const { sip_trunk_id } = await side().make('CreateSIPOutboundTrunk', { trunk: { numbers: ['+1'], address: 'a' } });
    for (const id of [sip_trunk_id, 'ST_unknown']) {
      expect(await update(id, { name: 'x' })).toEqual(unknown);
      expect(await side().post(UPDATE, { sipTrunkId: id, replace: { numbers: ['+1'] } })).toEqual(unknown);
    }
  });

  it('finding a clash for a number it keeps, but not for one it moves to, because it checks the former numbers', async () => {
    const [a, b] = [await create(), await create({ numbers: ['+15550000002'] })];
    const [first, second] = [a, b].toSorted((x, y) => (x.sip_trunk_id < y.sip_trunk_id ? -1 : 1));
    const numbers = second === a ? '["+15550000001" "+15550000002"]' : '["+15550000002"]';
    expect(await update(a.sip_trunk_id, { numbers: { add: ['+15550000002'] } })).toEqual(
      invalid(
        `Conflicting inbound SIP Trunks: "${second.sip_trunk_id}" and "${first.sip_trunk_id}", using the same number(s) ${numbers} without AllowedNumbers set`,
      ),
    );
    const moved = await side().make(UPDATE, { sipTrunkId: a.sip_trunk_id, replace: { numbers: ['+15550000002'] } });
    expect(moved.numbers).toEqual(['+15550000002']);
    expect((await side().post(CREATE, { trunk: { numbers: ['+15550000002'] } })).status).toBe(400);
  });
});
