import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld } from './world.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

/** A number with a PIN, and its rule as LiveKit has it. */
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
  it('changes the agent alone: what somebody set on the rule by hand stays', async () => {
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
});
