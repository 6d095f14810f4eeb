import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle, uncertainNow } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

/** An imported number with a PIN, and its rule at LiveKit. */
const imported = async () => {
  const caller = await service.newOrganization();
  const sip = { phone_number: drawNumber(), provider: 'sip', supports_inbound: true, inbound_pin: '2468' } as const;
  const { data } = await caller.client.phoneNumbers.import.mutate(sip);
  const { phone_number_id } = data;
  const get = async () => (await caller.client.phoneNumbers.get.query({ phone_number_id })).data;
  const rule = async () => {
    const { dispatch_rule_id } = await get();
    return (await service.sandbox.shelf.get<Record<string, unknown>>('livekit.dispatch_rule', dispatch_rule_id ?? ''))!;
  };
  const change = async (more: object) => {
    const { dispatch_rule_id } = await get();
    await service.sandbox.shelf.put('livekit.dispatch_rule', dispatch_rule_id ?? '', { ...(await rule()), ...more });
  };
  const { assign, unassign } = caller.client.phoneNumbers;
  return {
    get,
    rule,
    change,
    assign: (agent_id: string) => assign.mutate({ phone_number_id, agent_id }),
    unassign: () => unassign.mutate({ phone_number_id }),
  };
};

describe('Assigning an agent', () => {
  it('changes only the agent: what somebody else set on the rule stays', async () => {
    const { rule, change, assign, unassign } = await imported();
    await change({
      hidePhoneNumber: true,
      attributes: { tier: 'gold' },
      roomConfig: { emptyTimeout: 7, metadata: 'by hand' },
    });
    const before = await rule();
    await assign('reception');
    expect(await rule()).toEqual({
      ...before,
      roomConfig: { emptyTimeout: 7, metadata: 'by hand', agents: [{ agentName: 'reception' }] },
    });
    await unassign();
    expect(await rule()).toEqual(before);
  });

  it('keeps an agent that somebody added to the rule', async () => {
    const { rule, change, assign, unassign } = await imported();
    await assign('reception');
    const added = { agentName: 'recorder', metadata: 'by hand' };
    await change({ roomConfig: { agents: [{ agentName: 'reception' }, added] } });
    await unassign();
    expect(await rule()).toMatchObject({ roomConfig: { agents: [added] } });
    await assign('sales');
    expect(await rule()).toMatchObject({ roomConfig: { agents: [{ agentName: 'sales' }, added] } });
  });

  it('removes the agent that it assigned, even if another stands first and an answer was lost meanwhile', async () => {
    const { rule, change, assign, unassign, get } = await imported();
    const { phone_number_id } = await get();
    await assign('reception');
    const added = { agentName: 'recorder', metadata: 'by hand' };
    await change({ roomConfig: { agents: [added, { agentName: 'reception' }] } });
    const uncertain = { 'provisioning.uncertain_until': new Date(service.clock.now()) };
    await service.connection.collection('phone_numbers').updateOne({ phone_number_id }, { $set: uncertain });
    await unassign();
    expect(await rule()).toMatchObject({ roomConfig: { agents: [added] } });
  });

  it('makes a rule again that was deleted at LiveKit', async () => {
    const { get, rule, assign } = await imported();
    const { dispatch_rule_id } = await get();
    const deleted = await rule();
    await service.sandbox.shelf.remove('livekit.dispatch_rule', dispatch_rule_id ?? '');
    await assign('reception');
    expect((await get()).dispatch_rule_id).not.toBe(dispatch_rule_id);
    const { sipDispatchRuleId, roomConfig, ...rest } = await rule();
    expect({ roomConfig, ...rest }).toEqual({
      ...deleted,
      sipDispatchRuleId: undefined,
      roomConfig: { agents: [{ agentName: 'reception' }] },
    });
    await expectWholeWorld(service);
  });

  it('makes everything again that was deleted at LiveKit, and binds the rule to the new trunk', async () => {
    const { get, rule, assign } = await imported();
    const before = await get();
    await service.sandbox.shelf.remove('livekit.dispatch_rule', before.dispatch_rule_id ?? '');
    await service.sandbox.shelf.remove('livekit.inbound_trunk', before.inbound_trunk_id ?? '');
    await assign('reception');
    const after = await get();
    expect(after.inbound_trunk_id).not.toBe(before.inbound_trunk_id);
    expect(await rule()).toMatchObject({
      trunkIds: [after.inbound_trunk_id],
      roomConfig: { agents: [{ agentName: 'reception' }] },
    });
    await settle(service);
    await expectWholeWorld(service);
  });

  it('is repeated at the next check if somebody set another agent on the rule', async () => {
    const { get, rule, change, assign } = await imported();
    await assign('reception');
    await change({ roomConfig: { agents: [{ agentName: 'by hand' }] } });
    const { phone_number_id } = await get();
    await lookAt(phone_number_id);
    expect(await rule()).toMatchObject({ roomConfig: { agents: [{ agentName: 'reception' }] } });
  });
});

/** As after a lost answer. */
const doubt = async (phone_number_id: string) => {
  const $set = uncertainNow(service);
  await service.connection.collection('phone_numbers').updateOne({ phone_number_id }, { $set });
};

const lookAt = async (phone_number_id: string) => {
  await doubt(phone_number_id);
  await service.reconciler.turn();
};

describe('A number that was routed elsewhere', () => {
  const routedElsewhere = async (more: { agent_id?: string } = {}, look = lookAt) => {
    const phone_number = drawNumber();
    const caller = await service.newOrganization();
    const { integration_id } = await service.integrate(caller, [{ phone_number, voice_url: 'https://example.com/1' }]);
    const twilio = { phone_number, provider: 'twilio', supports_inbound: true, integration_id, ...more } as const;
    const { phone_number_id } = (await caller.client.phoneNumbers.import.mutate(twilio)).data;
    const number = (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number)!;
    const route = (to: object) => service.sandbox.shelf.put('twilio.number', number.sid, { ...number, ...to });
    await route({ trunk_sid: null, voice_url: 'https://example.com/by-hand' });
    await look(phone_number_id);
    const get = async () => (await caller.client.phoneNumbers.get.query({ phone_number_id })).data;
    const routing = async () => (await readWorld(service)).numbers.find((it) => it.phone_number === phone_number);
    return { caller, phone_number_id, get, route, routing, number };
  };

  it('is degraded, says since when and why, and is left as it is', async () => {
    const { caller, phone_number_id, get, routing } = await routedElsewhere();
    expect(await get()).toMatchObject({
      provisioning_state: 'degraded',
      provisioning: {
        obstacle: { code: 'number_routed_elsewhere', detail: expect.any(String), since: expect.any(String) },
        next_check_at: expect.any(String),
      },
    });
    expect(await routing()).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/by-hand' });
    const assigned = await caller.rest('POST', `/api/phone-numbers/${phone_number_id}/assign`, { agent_id: 'x' });
    expect(assigned).toMatchObject({ status: 409, body: { code: 'phone_number_degraded' } });
  });

  it.each([
    ['assign', {}, { agent_id: 'reception' }],
    ['unassign', { agent_id: 'reception' }, undefined],
  ])('answers 409 to a request to %s it while it is uncertain', async (verb, more, body) => {
    const { caller, phone_number_id } = await routedElsewhere(more, doubt);
    const answer = await caller.rest('POST', `/api/phone-numbers/${phone_number_id}/${verb}`, body);
    expect(answer).toMatchObject({ status: 409, body: { code: 'number_routed_elsewhere' } });
  });

  it.each([{}, { label: 'x' }, { replace_existing_routing: true }])(
    'answers 409 to an update with %j while it is elsewhere, and 200 once it is back',
    async (patch) => {
      const { caller, phone_number_id, get, route, routing, number } = await routedElsewhere();
      const update = () => caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, patch);
      expect(await update()).toMatchObject({
        status: 409,
        body: {
          code: 'number_routed_elsewhere',
          detail: expect.stringMatching(/ The phone number is still degraded\.$/),
        },
      });
      expect(await get()).toMatchObject({ provisioning_state: 'degraded', revision: 1, label: null });
      expect(await routing()).toMatchObject({ trunk_sid: null, voice_url: 'https://example.com/by-hand' });
      await route({ trunk_sid: number.trunk_sid });
      const { status, body } = await update();
      const revision = 'label' in patch ? 2 : 1;
      const active = { provisioning_state: 'active', revision };
      expect({ status, data: body.data }).toMatchObject({ status: 200, data: active });
    },
  );

  it('is active again once it is back on our trunk', async () => {
    const { get, route, number } = await routedElsewhere();
    await route({ trunk_sid: number.trunk_sid });
    service.clock.advance(3_600_001);
    await service.reconciler.turn();
    expect(await get()).toMatchObject({ provisioning_state: 'active', provisioning: { next_check_at: null } });
    expect((await get()).provisioning.obstacle).toBeUndefined();
  });

  it('can be released, and the answer says that it was left unchanged', async () => {
    const { caller, phone_number_id, routing } = await routedElsewhere();
    const { status, body } = await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}`);
    expect({ status, ...body.data }).toMatchObject({
      status: 200,
      warnings: [expect.stringContaining('left unchanged')],
    });
    expect(await routing()).toMatchObject({ voice_url: 'https://example.com/by-hand' });
  });
});
