import { expect, it } from 'vitest';
import { invalid, malformed, notFound, onBothSides } from './both-sides.ts';
import { blankRule, roomWith, touched } from './livekit-shapes.ts';

const CREATE = 'CreateSIPDispatchRule';
const LIST = 'ListSIPDispatchRule';
const UPDATE = 'UpdateSIPDispatchRule';
const DELETE = 'DeleteSIPDispatchRule';

const individual = (pin?: string) => ({ dispatchRuleIndividual: { roomPrefix: 'call', ...(pin && { pin }) } });
const unknown = notFound('requested sip dispatch rule does not exist');
const unsupported = 'twirp error unknown: unsupported SIP Dispatch Rule: <nil>';
const clash = (id: string, name: string) =>
  invalid(
    `Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch rule "${id}" "${name}"`,
  );

onBothSides('creates dispatch rules', (side) => {
  it('with only a rule', async () => {
    const rule = await side().make(CREATE, { rule: individual() });
    expect(rule).toEqual(blankRule);
    expect((await side().make(LIST, {})).items).toEqual([rule]);
  });

  it("from the SDK's fields, and returns each, even the PIN", async () => {
    const sent = {
      rule: individual('0042'),
      trunkIds: ['ST_a'],
      name: 'a rule',
      metadata: '{"trunkline":{}}',
      attributes: { a: 'b' },
      hidePhoneNumber: true,
      inboundNumbers: ['+1 (2)'],
      roomPreset: 'preset',
      roomConfig: { agents: [{ agentName: 'reception' }] },
    };
    expect(await side().make(CREATE, sent)).toEqual({
      ...blankRule,
      rule: { dispatch_rule_individual: { room_prefix: 'call', pin: '0042', no_randomness: false } },
      trunk_ids: ['ST_a'],
      name: 'a rule',
      metadata: '{"trunkline":{}}',
      attributes: { a: 'b' },
      hide_phone_number: true,
      inbound_numbers: ['+1 (2)'],
      room_preset: 'preset',
      room_config: roomWith('reception'),
    });
  });

  it('from the newer whole object, which takes precedence, and copies the older media field into the newer one', async () => {
    const mediaEncryption = 'SIP_MEDIA_ENCRYPT_ALLOW';
    const dispatchRule = {
      rule: { dispatchRuleCallee: { roomPrefix: 'x', pin: '12', randomize: true } },
      trunkIds: ['ST_b'],
      numbers: ['+3'],
      krispEnabled: true,
      mediaEncryption,
    };
    expect(await side().make(CREATE, { rule: individual(), trunkIds: ['ST_a'], dispatchRule })).toEqual({
      ...blankRule,
      rule: { dispatch_rule_callee: { room_prefix: 'x', pin: '12', randomize: true } },
      trunk_ids: ['ST_b'],
      numbers: ['+3'],
      krisp_enabled: true,
      media_encryption: mediaEncryption,
      media: { ...touched, encryption: mediaEncryption },
    });
    const bare = { rule: individual(), trunkIds: ['ST_c'] };
    expect(await side().make(CREATE, { dispatchRule: bare })).toMatchObject({ media: touched });
  });

  it.each([
    individual('letters#'),
    individual('1'.repeat(40)),
    { dispatchRuleDirect: { roomName: '', pin: '' } },
    { dispatchRuleIndividual: {} },
  ])('without validating PIN, room or trunk: %j', async (rule) => {
    await side().make(CREATE, { rule, trunkIds: ['ST_unknown'] });
  });

  it.each([
    [{}, 'missing rule'],
    [{ rule: {} }, unsupported],
    [{ dispatchRule: {} }, 'missing rule'],
    [{ dispatchRule: { rule: {} } }, unsupported],
    [{ dispatchRule: { sipDispatchRuleId: 'SDR_x', rule: individual() } }, 'rule id must not be set'],
    [{ dispatchRule: { rule: individual(), media: { mediaTimeout: '601s' } } }, 'media_timeout must not exceed 10m0s'],
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(CREATE, body)).toEqual(invalid(msg));
  });

  it('but cannot parse two kinds of rule at once', async () => {
    const rule = { ...individual(), dispatchRuleDirect: { roomName: 'x' } };
    expect(await side().post(CREATE, { rule })).toEqual(malformed);
  });
});

onBothSides('finds clashes of dispatch rules', (side) => {
  it('with the same trunk and PIN, whatever their kind and room', async () => {
    const trunkIds = ['ST_a'];
    const { sip_dispatch_rule_id } = await side().make(CREATE, { rule: individual('1234'), trunkIds, name: 'first' });
    const direct = { dispatchRuleDirect: { roomName: 'x', pin: '1234' } };
    expect(await side().post(CREATE, { rule: direct, trunkIds: ['ST_b', 'ST_a'], name: 'second' })).toEqual(
      clash(sip_dispatch_rule_id, 'first'),
    );
    await side().make(CREATE, { rule: individual('12345'), trunkIds });
    await side().make(CREATE, { rule: individual(), trunkIds });
  });

  it('between rules for all trunks, but not with those for one trunk', async () => {
    await side().make(CREATE, { rule: individual(), trunkIds: ['ST_a'] });
    const { sip_dispatch_rule_id } = await side().make(CREATE, { rule: individual() });
    const refused = await side().post(CREATE, { rule: individual() });
    expect([clash(sip_dispatch_rule_id, '<blank name>'), clash('<new>', '<blank name>')]).toContainEqual(refused);
  });
});

onBothSides('lists dispatch rules', (side) => {
  it('by id, including those for all trunks and those of removed trunks', async () => {
    const ids: string[] = [];
    for (const trunkIds of [['ST_a'], ['ST_b', 'ST_c'], []])
      ids.push((await side().make(CREATE, { rule: individual(), trunkIds })).sip_dispatch_rule_id);
    const [a = '', b = '', any = ''] = ids;
    const idsOf = async (body: object) =>
      (await side().make(LIST, body)).items.map(({ sip_dispatch_rule_id }: any) => sip_dispatch_rule_id);
    expect(await idsOf({})).toEqual(ids.toSorted());
    expect(await idsOf({ trunkIds: ['ST_a'] })).toEqual([a, any].toSorted());
    expect(await idsOf({ trunkIds: ['ST_c'] })).toEqual([b, any].toSorted());
    expect(await idsOf({ dispatchRuleIds: [a, 'SDR_unknown'] })).toEqual([a]);
    expect(await idsOf({ dispatchRuleIds: [a], trunkIds: ['ST_b'] })).toEqual([]);
  });
});

onBothSides('updates dispatch rules', (side) => {
  const create = (fields: object = {}) => side().make(CREATE, { rule: individual(), trunkIds: ['ST_a'], ...fields });
  const update = (sipDispatchRuleId: string, fields: object) =>
    side().post(UPDATE, { sipDispatchRuleId, update: fields });

  it('field by field, and attributes one by one', async () => {
    const rule = await create({ attributes: { a: 'b', kept: 'x' }, hidePhoneNumber: true });
    const changed = await update(rule.sip_dispatch_rule_id, {
      name: 'u',
      metadata: 'm',
      attributes: { a: '', c: 'd' },
      trunkIds: { add: ['ST_b'] },
      rule: { dispatchRuleDirect: { roomName: 'd', pin: '99' } },
    });
    expect(changed.body).toEqual({
      ...rule,
      name: 'u',
      metadata: 'm',
      attributes: { kept: 'x', c: 'd' },
      trunk_ids: ['ST_a', 'ST_b'],
      rule: { dispatch_rule_direct: { room_name: 'd', pin: '99' } },
      media: touched,
    });
    expect((await side().make(LIST, {})).items).toEqual([changed.body]);
  });

  it('as a whole, as for assigning and unassigning an agent: nothing of the former rule is left', async () => {
    const { sip_dispatch_rule_id } = await create({ metadata: 'm', attributes: { a: 'b' } });
    const whole = { sipDispatchRuleId: sip_dispatch_rule_id, rule: individual('12'), trunkIds: ['ST_a'] };
    const expected = {
      ...blankRule,
      sip_dispatch_rule_id,
      rule: { dispatch_rule_individual: { room_prefix: 'call', pin: '12', no_randomness: false } },
      trunk_ids: ['ST_a'],
    };
    const assigned = { ...whole, roomConfig: { agents: [{ agentName: 'reception' }] } };
    expect(await side().make(UPDATE, { sipDispatchRuleId: sip_dispatch_rule_id, replace: assigned })).toEqual({
      ...expected,
      room_config: roomWith('reception'),
    });
    expect(await side().make(UPDATE, { sipDispatchRuleId: sip_dispatch_rule_id, replace: whole })).toEqual(expected);
  });

  it('finding clashes', async () => {
    const [a, b] = [await create({ name: 'a' }), await create({ rule: individual('12'), name: 'b' })];
    const [first] = [a, b].toSorted((x, y) => (x.sip_dispatch_rule_id < y.sip_dispatch_rule_id ? -1 : 1));
    expect(await update(a.sip_dispatch_rule_id, { rule: individual('12') })).toEqual(
      clash(first.sip_dispatch_rule_id, first.name),
    );
  });

  it.each([
    [{}, 'rule id must be set'],
    [{ sipDispatchRuleId: 'SDR_unknown' }, 'missing or unsupported update action'],
    [{ sipDispatchRuleId: 'SDR_unknown', update: { trunkIds: {} } }, 'unsupported list update operation'],
    [{ sipDispatchRuleId: 'SDR_unknown', replace: {} }, 'missing rule'],
    [
      { sipDispatchRuleId: 'SDR_unknown', replace: { sipDispatchRuleId: 'SDR_other', rule: individual() } },
      'rule id in the info must be empty or match the id in the update',
    ],
  ])('but refuses %j', async (body, msg) => {
    expect(await side().post(UPDATE, body)).toEqual(invalid(msg));
  });

  it('but not to a rule without a kind', async () => {
    const { sip_dispatch_rule_id } = await create();
    expect(await update(sip_dispatch_rule_id, { rule: {} })).toEqual(invalid(unsupported));
    const body = { sipDispatchRuleId: sip_dispatch_rule_id, replace: { rule: {} } };
    expect(await side().post(UPDATE, body)).toEqual(invalid(unsupported));
  });

  it('to a rule without a kind if it moves to another trunk, because it checks the former trunks', async () => {
    const { sip_dispatch_rule_id } = await create();
    const replace = { rule: {}, trunkIds: ['ST_b'] };
    await side().make(UPDATE, { sipDispatchRuleId: sip_dispatch_rule_id, replace });
    expect(await side().post(CREATE, { rule: individual(), trunkIds: ['ST_b'] })).toEqual(invalid(unsupported));
  });

  it('but accepts no array for a list, and no unknown id', async () => {
    expect(await update('SDR_unknown', { trunkIds: ['a'] })).toEqual(malformed);
    expect(await update('SDR_unknown', { name: 'x' })).toEqual(unknown);
    const body = { sipDispatchRuleId: 'SDR_unknown', replace: { rule: individual() } };
    expect(await side().post(UPDATE, body)).toEqual(unknown);
  });
});

onBothSides('deletes dispatch rules', (side) => {
  it('returning the former rule, and refuses unknown ones', async () => {
    const rule = await side().make(CREATE, { rule: individual('12'), trunkIds: ['ST_a'], name: 'x' });
    const named = { sipDispatchRuleId: rule.sip_dispatch_rule_id };
    expect(await side().make(DELETE, named)).toEqual(rule);
    expect(await side().post(DELETE, named)).toEqual(unknown);
    expect(await side().post(DELETE, {})).toEqual(invalid('dispatch rule ID is required'));
    expect((await side().make(LIST, {})).items).toEqual([]);
  });
});
