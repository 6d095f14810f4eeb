import mongoose from 'mongoose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { expectWholeWorld, readWorld, settle } from './world.ts';

let first: OpenedService;
let second: OpenedService;
beforeAll(async () => {
  first = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '20', IMPORT_DEADLINE_SECONDS: '3600' } });
  second = await first.openReplica();
});
afterEach(() => first.sandbox.faults.clear());
afterAll(async () => {
  await second.close();
  await first.close();
});

const numbers = () => first.connection.collection('phone_numbers');
const sip = () =>
  ({
    phone_number: drawNumber(),
    provider: 'sip',
    supports_inbound: true,
    supports_outbound: true,
    sip_server_address: 'sip.example.com',
  }) as const;

const organization = async () => {
  const caller = await first.newOrganization();
  const importSip = async () => (await caller.client.phoneNumbers.import.mutate(sip())).data;
  const importMany = async (count: number) => {
    const made = [];
    for (let n = 0; n < count; n++) made.push(await importSip());
    return made;
  };
  return { caller, importSip, importMany };
};

/** As after a lost answer, each later than the one before. */
const doubt = async (...phone_number_ids: string[]) => {
  for (const [n, phone_number_id] of phone_number_ids.entries()) {
    const due_at = new Date(first.clock.now() - 1000 + n);
    const set = { 'provisioning.due_at': due_at, 'provisioning.uncertain_until': due_at };
    await numbers().updateOne({ phone_number_id }, { $set: set });
  }
};
const isDue = async (phone_number_id: string) =>
  (await numbers().findOne({ phone_number_id }))?.provisioning.due_at !== undefined;

describe('One change at a time', () => {
  it('answers phone_number_busy to a second change, whatever the two changes are', async () => {
    const { caller, importSip } = await organization();
    const { phone_number_id } = await importSip();
    const path = `/api/phone-numbers/${phone_number_id}`;
    const verbs = {
      assign: () => caller.rest('POST', `${path}/assign`, { agent_id: 'reception' }),
      unassign: () => caller.rest('POST', `${path}/unassign`),
      release: () => caller.rest('DELETE', `${path}?force=true`),
    };
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_before' });
    const assigned = verbs.assign();
    await first.sandbox.faults.holding();
    for (const verb of ['assign', 'unassign', 'release'] as const) {
      expect({ verb, code: (await verbs[verb]()).body.code }).toEqual({ verb, code: 'phone_number_busy' });
    }
    first.sandbox.faults.release();
    expect((await assigned).status).toBe(200);
  });
});

describe('A late answer to an older change', () => {
  it('does not bring back an assignment that was given up', async () => {
    const { caller, importSip } = await organization();
    const { phone_number_id, dispatch_rule_id } = await importSip();
    const path = `/api/phone-numbers/${phone_number_id}`;
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'drop_before', times: 3 });
    expect((await caller.rest('POST', `${path}/assign`, { agent_id: 'older' })).status).toBe(503);
    expect((await caller.rest('POST', `${path}/assign`, { agent_id: 'newer' })).status).toBe(200);
    // The older change arrives only now.
    const kind = 'livekit.dispatch_rule';
    const rule = await first.sandbox.shelf.get<object>(kind, dispatch_rule_id ?? '');
    const roomConfig = { agents: [{ agentName: 'older' }] };
    await first.sandbox.shelf.put(kind, dispatch_rule_id ?? '', { ...rule, roomConfig });
    await settle(first, second);
    expect(await first.sandbox.shelf.get(kind, dispatch_rule_id ?? '')).toMatchObject({
      roomConfig: { agents: [{ agentName: 'newer' }] },
    });
  });

  it('does not bring back an older PIN: LiveKit never returns a PIN, so it is sent again once no older call can arrive', async () => {
    const { caller, importSip } = await organization();
    const { phone_number_id, dispatch_rule_id } = await importSip();
    const path = `/api/phone-numbers/${phone_number_id}`;
    first.sandbox.faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'drop_before', times: 3 });
    expect((await caller.rest('PATCH', path, { inbound_pin: '1111' })).status).toBe(503);
    expect((await caller.rest('PATCH', path, { inbound_pin: '2222' })).status).toBe(200);
    // The older change arrives only now.
    const [kind, id] = ['livekit.dispatch_rule', dispatch_rule_id ?? ''] as const;
    const { rule, ...rest } = (await first.sandbox.shelf.get<any>(kind, id))!;
    const { dispatchRuleIndividual } = rule;
    expect(dispatchRuleIndividual.pin).toBe('2222');
    const older = { dispatchRuleIndividual: { ...dispatchRuleIndividual, pin: '1111' } };
    await first.sandbox.shelf.put(kind, id, { ...rest, rule: older });
    await settle(first, second);
    expect(await first.sandbox.shelf.get(kind, id)).toMatchObject({ rule: { dispatchRuleIndividual } });
  });
});

describe('Confirming an uncertain number', () => {
  it('reads each list once, and sends nothing', async () => {
    const { importSip } = await organization();
    const { phone_number_id } = await importSip();
    await doubt(phone_number_id);
    const begun = first.sandbox.faults.calls.length;
    await first.reconciler.turn();
    expect(first.sandbox.faults.calls.slice(begun).toSorted()).toEqual([
      'livekit.ListSIPDispatchRule',
      'livekit.ListSIPInboundTrunk',
      'livekit.ListSIPOutboundTrunk',
    ]);
    expect(await isDue(phone_number_id)).toBe(false);
  });
});

describe('A refusal while no change is under way', () => {
  it('makes the number degraded, and it is active again once the provider no longer refuses', async () => {
    const { importSip, caller } = await organization();
    const { phone_number_id, inbound_trunk_id } = await importSip();
    await first.sandbox.shelf.remove('livekit.inbound_trunk', inbound_trunk_id ?? '');
    const msg = 'Conflicting inbound SIP Trunks: "ST_aaaaaaaaaaaa" and "ST_bbbbbbbbbbbb"';
    const body = { code: 'invalid_argument', msg };
    first.sandbox.faults.add({ kind: 'answer', status: 400, body, call: 'livekit.CreateSIPInboundTrunk', times: 1000 });
    await doubt(phone_number_id);
    await first.reconciler.turn();
    const get = async () => (await caller.rest('GET', `/api/phone-numbers/${phone_number_id}`)).body.data;
    expect(await get()).toMatchObject({
      provisioning_state: 'degraded',
      provisioning: { obstacle: { code: 'livekit_clash', detail: expect.stringContaining('ST_aaaaaaaaaaaa') } },
    });
    first.sandbox.faults.clear();
    await settle(first, second);
    const { provisioning_state, provisioning } = await get();
    expect(provisioning_state).toBe('active');
    expect(provisioning).not.toHaveProperty('obstacle');
    await expectWholeWorld(first);
  });
});

describe('An inbound trunk that was deleted at LiveKit', () => {
  it('is made again when its number is next checked, and no rule of the old trunk is left', async () => {
    const { importSip } = await organization();
    const { phone_number_id, inbound_trunk_id } = await importSip();
    expect(await first.sandbox.shelf.remove('livekit.inbound_trunk', inbound_trunk_id ?? '')).toBe(true);
    await doubt(phone_number_id);
    await settle(first, second);
    await expectWholeWorld(first);
  });
});

describe('A trunk or rule that somebody changed at LiveKit so that it is no longer found for its number', () => {
  const importAndChange = async (part: 'inbound_trunk' | 'outbound_trunk' | 'dispatch_rule', changes: object) => {
    const { importSip } = await organization();
    const number = await importSip();
    const [kind, id] = [`livekit.${part}`, number[`${part}_id`] ?? ''];
    await first.sandbox.shelf.put(kind, id, { ...(await first.sandbox.shelf.get<object>(kind, id)), ...changes });
    await doubt(number.phone_number_id);
    await settle(first, second);
    await expectWholeWorld(first);
    return first.sandbox.shelf.get(kind, id);
  };

  it.each([
    ['an inbound trunk for another number', 'inbound_trunk', { numbers: ['+15550000001'] }],
    ['an outbound trunk for another number', 'outbound_trunk', { numbers: ['+15550000001'] }],
    ['a rule on another trunk', 'dispatch_rule', { trunkIds: ['ST_another'] }],
  ] as const)('is replaced when the number is next checked, and not left behind: %s', async (_what, part, changes) => {
    expect(await importAndChange(part, changes)).toBeUndefined();
  });

  it('is left alone if its mark was removed, too', async () => {
    expect(await importAndChange('outbound_trunk', { metadata: '' })).toBeDefined();
  });
});

describe('A replica that lost its lease and is gone', () => {
  it('leaves nothing behind: what it made afterwards is still found', async () => {
    const caller = await first.newOrganization();
    const third = await first.openReplica();
    const input = sip();
    const before = first.sandbox.faults.calls.length;
    first.sandbox.faults.add({ call: 'livekit.CreateSIPOutboundTrunk', kind: 'hold_before' });
    const lost = third
      .as(caller)
      .client.phoneNumbers.import.mutate(input)
      .catch(() => undefined);
    await first.sandbox.faults.holding();
    await expect.poll(() => first.sandbox.faults.calls.slice(before)).toContain('livekit.CreateSIPDispatchRule');
    first.clock.advance(30_001);
    // The new holder of the lease has listed the trunks, and found none.
    first.sandbox.faults.add({ call: 'livekit.ListSIPOutboundTrunk', kind: 'hold_after' });
    const turned = first.reconciler.turn();
    await first.sandbox.faults.holding(2);
    first.sandbox.faults.release();
    await lost;
    await third.close();
    await turned;
    await settle(first);
    await expectWholeWorld(first);
    const { outbound } = await readWorld(first);
    expect(outbound.filter((trunk) => trunk.numbers?.includes(input.phone_number))).toHaveLength(1);
  });
});

describe('The queue of an account', () => {
  it('is worked on by one replica at a time', async () => {
    const { importMany } = await organization();
    const ids = (await importMany(12)).map(({ phone_number_id }) => phone_number_id);
    await doubt(...ids);
    first.sandbox.faults.add({ call: 'livekit.ListSIPInboundTrunk', kind: 'hold_before', times: 8 });
    const turned = first.reconciler.turn();
    await first.sandbox.faults.holding(8);
    const worked = await workedOn(second);
    await second.reconciler.turn();
    expect(await workedOn(second)).toBe(worked);
    first.sandbox.faults.release();
    await turned;
    expect(await Promise.all(ids.map(isDue))).toEqual(ids.map(() => false));
  });

  it('pauses until Retry-After has passed, and does not delay the queues of other accounts', async () => {
    const busy = await organization();
    const other = await organization();
    const ids = (await busy.importMany(12)).map(({ phone_number_id }) => phone_number_id);
    const outbound = { ...sip(), supports_inbound: false };
    const { phone_number_id } = (await other.caller.client.phoneNumbers.import.mutate(outbound)).data;
    await doubt(...ids);
    const call = 'livekit.ListSIPInboundTrunk';
    first.sandbox.faults.add({ call, kind: 'answer', status: 429, retry_after_seconds: 100, times: 8 });
    await first.reconciler.turn();
    first.sandbox.faults.clear();
    const areDue = () => Promise.all(ids.map(isDue));
    const waiting = await areDue();
    expect(waiting.filter(Boolean).length).toBeGreaterThanOrEqual(4);
    const begun = first.sandbox.faults.calls.length;
    await second.reconciler.turn();
    expect(first.sandbox.faults.calls.slice(begun)).toEqual([]);

    await doubt(phone_number_id);
    await second.reconciler.turn();
    expect(await isDue(phone_number_id)).toBe(false);
    expect(await areDue()).toEqual(waiting);
    await settle(first, second);
    await expectWholeWorld(first);
  });
});

const workedOn = async ({ metrics }: OpenedService) =>
  (await metrics.reconciled.get()).values.reduce((sum, { value }) => sum + value, 0);

describe('Fifty first imports of an integration', () => {
  it('make one claim on the integration', async () => {
    const caller = await first.newOrganization();
    const owned = Array.from({ length: 50 }, () => ({ phone_number: drawNumber() }));
    const { integration_id } = await first.integrate(caller, owned);
    const db = first.connection.db!;
    // The default size of 1 MB would drop the oldest entries.
    await db.createCollection('system.profile', { capped: true, size: 100_000_000 });
    await db.command({ profile: 2 });
    const input = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
    await Promise.all(
      owned.map(({ phone_number }) => caller.client.phoneNumbers.import.mutate({ ...input, phone_number })),
    );
    await db.command({ profile: 0 });
    const profile = db.collection('system.profile');
    const claims = await profile.countDocuments({ ns: /\.integrations$/, 'command.findAndModify': 'integrations' });
    await profile.drop();
    expect(claims).toBe(1);
  });
});

describe("A trunk that was deleted in Twilio's console", () => {
  const inAccount = (account_sid: string) => {
    const { shelf } = first.sandbox;
    const ofAccount = async <T extends { account_sid: string }>(kind: string) =>
      (await shelf.list<T>(kind)).filter((it) => it.account_sid === account_sid);
    const deleteTrunk = async () => {
      const [trunk] = await ofAccount<any>('twilio.trunk');
      for (const kind of ['trunk', 'origination_url', 'permission'])
        for (const { sid } of await ofAccount<any>(`twilio.${kind}`)) await shelf.remove(`twilio.${kind}`, sid);
      const until = first.clock.now() + 30 * 24 * 3_600_000;
      await shelf.put('twilio.reserved_domain', trunk.domain_name, { until });
      for (const number of await ofAccount<any>('twilio.number'))
        await shelf.put('twilio.number', number.sid, { ...number, trunk_sid: null });
      return trunk;
    };
    return { ofAccount, deleteTrunk };
  };

  it('is made again at the next change, and its numbers move to it', async () => {
    const caller = await first.newOrganization();
    const voice_url = 'https://example.com/before';
    const owned = Array.from({ length: 3 }, () => ({ phone_number: drawNumber(), voice_url }));
    const { integration_id, account_sid } = await first.integrate(caller, owned);
    const input = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
    const importNumber = (n: number) =>
      caller.client.phoneNumbers.import.mutate({ ...input, phone_number: owned[n]!.phone_number });
    await importNumber(0);
    await importNumber(1);
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    const trunk = await deleteTrunk();

    expect((await importNumber(2)).data.provisioning_state).toBe('active');
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect(anew.sid).not.toBe(trunk.sid);
    const numbersNow = await ofAccount<any>('twilio.number');
    expect(numbersNow.map(({ trunk_sid }) => trunk_sid)).toEqual([anew.sid, anew.sid, anew.sid]);
    const { outbound } = await readWorld(first);
    const dialled = outbound.filter(({ numbers: [number] = [] }) => owned.some((it) => it.phone_number === number));
    expect(dialled.map((it) => Reflect.get(it, 'address'))).toEqual(Array(3).fill(anew.domain_name));
    for (const { phone_number } of owned) {
      const row = await numbers().findOne({ holds: phone_number });
      expect((await caller.rest('DELETE', `/api/phone-numbers/${row?.phone_number_id}`)).status).toBe(200);
    }
    expect((await ofAccount<any>('twilio.number')).map((it) => [it.trunk_sid, it.voice_url])).toEqual(
      Array(3).fill([null, voice_url]),
    );
  });

  it('is made again, and a number that was routed to another trunk before us moves to it although Twilio is busy once', async () => {
    const caller = await first.newOrganization();
    const owned = [{ phone_number: drawNumber(), trunk_sid: drawSid('TK') }, { phone_number: drawNumber() }];
    const { integration_id, account_sid } = await first.integrate(caller, owned);
    const input = {
      provider: 'twilio',
      supports_inbound: true,
      integration_id,
      replace_existing_routing: true,
    } as const;
    const importNumber = (n: number) =>
      caller.client.phoneNumbers.import.mutate({ ...input, phone_number: owned[n]!.phone_number });
    await importNumber(0);
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    await deleteTrunk();
    await importNumber(1);
    first.sandbox.faults.add({ call: 'twilio.updateNumber', kind: 'answer', status: 503 });
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect((await ofAccount<any>('twilio.number')).map((it) => it.trunk_sid)).toEqual([anew.sid, anew.sid]);
  });

  it('is made again, and a number moves to it although no key opens its former routing', async () => {
    const caller = await first.newOrganization();
    const owned = Array.from({ length: 3 }, () => ({ phone_number: drawNumber() }));
    const { integration_id, account_sid } = await first.integrate(caller, owned);
    const input = { provider: 'twilio', supports_inbound: true, integration_id } as const;
    const importNumber = async (n: number) =>
      (await caller.client.phoneNumbers.import.mutate({ ...input, phone_number: owned[n]!.phone_number })).data;
    const { phone_number_id } = await importNumber(0);
    const another = await importNumber(2);
    const other = await numbers().findOne({ phone_number_id: another.phone_number_id });
    await numbers().updateOne({ phone_number_id }, { $set: { former_routing: other?.former_routing } });
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    await deleteTrunk();
    await importNumber(1);
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect((await ofAccount<any>('twilio.number')).map((it) => it.trunk_sid)).toEqual(Array(3).fill(anew.sid));
    expect((await caller.rest('DELETE', `/api/phone-numbers/${phone_number_id}?force=true`)).status).toBe(200);
  });

  it('is made again, and a number that somebody routed elsewhere meanwhile is left alone', async () => {
    const caller = await first.newOrganization();
    const owned = [
      { phone_number: drawNumber(), voice_url: 'https://example.com/before' },
      { phone_number: drawNumber() },
    ];
    const { integration_id, account_sid } = await first.integrate(caller, owned);
    const input = { provider: 'twilio', supports_inbound: true, integration_id } as const;
    const importNumber = (n: number) =>
      caller.client.phoneNumbers.import.mutate({ ...input, phone_number: owned[n]!.phone_number });
    const { data } = await importNumber(0);
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    await deleteTrunk();
    const atTwilio = async () => {
      const found = (await ofAccount<any>('twilio.number')).find((it) => it.phone_number === data.phone_number);
      return found ?? expect.unreachable();
    };
    const byHand = { ...(await atTwilio()), voice_url: 'https://example.com/by-hand' };
    await first.sandbox.shelf.put('twilio.number', byHand.sid, byHand);
    await importNumber(1);
    await first.reconciler.turn();
    expect(await atTwilio()).toMatchObject({ trunk_sid: null, voice_url: byHand.voice_url });
    const { phone_number_id } = data;
    const path = `/api/phone-numbers/${phone_number_id}`;
    expect((await caller.rest('GET', path)).body.data).toMatchObject({
      provisioning_state: 'degraded',
      provisioning: { obstacle: { code: 'number_routed_elsewhere' } },
    });
    await caller.rest('DELETE', path);
    expect(await atTwilio()).toMatchObject({ trunk_sid: null, voice_url: byHand.voice_url });
  });

  /** A number on a trunk that is then deleted, and another of its account, whose import makes the trunk again. */
  const onDeletedTrunk = async () => {
    const caller = await first.newOrganization();
    const [moved, other] = [{ phone_number: drawNumber() }, { phone_number: drawNumber() }];
    const { integration_id, account_sid } = await first.integrate(caller, [moved, other]);
    const input = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
    const importing = (number: { phone_number: string }, { client } = caller) =>
      client.phoneNumbers.import.mutate({ ...input, ...number });
    await importing(moved);
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    await deleteTrunk();
    const expectMoved = async () => {
      await settle(first, second);
      await expectWholeWorld(first);
      const [anew] = await ofAccount<any>('twilio.trunk');
      const number = (await ofAccount<any>('twilio.number')).find((it) => it.phone_number === moved.phone_number);
      const { outbound } = await readWorld(first);
      const dialled = outbound.find(({ numbers: [of] = [] }) => of === moved.phone_number) ?? {};
      expect([number.trunk_sid, Reflect.get(dialled, 'address')]).toEqual([anew.sid, anew.domain_name]);
    };
    return { caller, importAnother: (by = caller) => importing(other, by), expectMoved };
  };

  it('is made again, and its numbers move to it although the replica dies before it requeues them', async () => {
    const { caller, importAnother, expectMoved } = await onDeletedTrunk();
    const killed = await first.openReplica();
    const requeue = vi.spyOn(mongoose.mongo.Collection.prototype, 'updateMany');
    const requeuing = new Promise<void>((resolve) => {
      requeue.mockImplementationOnce(() => {
        resolve();
        return new Promise(() => {});
      });
    });
    const answer = importAnother(killed.as(caller)).catch(() => undefined);
    await requeuing;
    requeue.mockRestore();
    killed.kill();
    await answer;
    first.clock.advance(60_000);
    await expectMoved();
  });

  it('is made again, and its numbers move to it although Twilio fails to make the rest of it at first', async () => {
    const { importAnother, expectMoved } = await onDeletedTrunk();
    first.sandbox.faults.add({ call: 'twilio.createOriginationUrl', kind: 'answer', status: 503 });
    await importAnother();
    await expectMoved();
  });

  it('is made again, and a number moves to it although a lost call may still take effect', async () => {
    const caller = await first.newOrganization();
    const phone_number = drawNumber();
    const { integration_id, account_sid } = await first.integrate(caller, [{ phone_number }]);
    const input = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
    const { data } = await caller.client.phoneNumbers.import.mutate({ ...input, phone_number });
    const { phone_number_id } = data;
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    await deleteTrunk();
    const uncertain_until = new Date(first.clock.now() + 20_000);
    await numbers().updateOne({ phone_number_id }, { $set: { 'provisioning.uncertain_until': uncertain_until } });
    await caller.client.phoneNumbers.assign.mutate({ phone_number_id, agent_id: 'reception' });
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect(await ofAccount<any>('twilio.number')).toMatchObject([{ trunk_sid: anew.sid }]);
  });

  it.each([
    ['none', {}],
    ['calls in', { supports_inbound: true }],
  ])('is made again when a number that had %s is to dial out', async (_what, had) => {
    const caller = await first.newOrganization();
    const [{ phone_number }, other] = [{ phone_number: drawNumber() }, { phone_number: drawNumber() }];
    const { integration_id, account_sid } = await first.integrate(caller, [{ phone_number }, other]);
    const importing = (fields: object) =>
      caller.rest('POST', '/api/phone-numbers', { provider: 'twilio', integration_id, ...fields });
    expect((await importing({ ...other, supports_outbound: true })).status).toBe(201);
    const { phone_number_id } = (await importing({ phone_number, ...had })).body.data;
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    const trunk = await deleteTrunk();
    const patch = { supports_outbound: true };
    expect((await caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, patch)).status).toBe(200);
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect(anew.sid).not.toBe(trunk.sid);
    const { outbound } = await readWorld(first);
    const dialled = outbound.find(({ numbers }) => numbers?.includes(phone_number));
    expect(Reflect.get(dialled ?? {}, 'address')).toBe(anew.domain_name);
  });

  it('is not looked up when a number is imported for neither direction', async () => {
    const caller = await first.newOrganization();
    const owned = [{ phone_number: drawNumber() }, { phone_number: drawNumber() }] as const;
    const { integration_id } = await first.integrate(caller, owned);
    const importing = (fields: object) =>
      caller.rest('POST', '/api/phone-numbers', { provider: 'twilio', integration_id, ...fields });
    expect((await importing({ ...owned[0], supports_outbound: true })).status).toBe(201);
    const begun = first.sandbox.faults.calls.length;
    expect((await importing(owned[1])).status).toBe(201);
    expect(first.sandbox.faults.calls.slice(begun)).not.toContain('twilio.fetchTrunk');
  });

  it('is made again when a number is imported for outbound calls only', async () => {
    const caller = await first.newOrganization();
    const owned = [{ phone_number: drawNumber() }, { phone_number: drawNumber() }] as const;
    const { integration_id, account_sid } = await first.integrate(caller, owned);
    const importing = ({ phone_number }: { phone_number: string }) =>
      caller.client.phoneNumbers.import.mutate({
        ...{ phone_number, provider: 'twilio', integration_id },
        ...{ supports_inbound: false, supports_outbound: true },
      });
    await importing(owned[0]);
    const { ofAccount, deleteTrunk } = inAccount(account_sid);
    const trunk = await deleteTrunk();

    expect((await importing(owned[1])).data.provisioning_state).toBe('active');
    await settle(first, second);
    await expectWholeWorld(first);
    const [anew] = await ofAccount<any>('twilio.trunk');
    expect(anew.sid).not.toBe(trunk.sid);
    const { outbound } = await readWorld(first);
    const dialled = outbound.filter(({ numbers: [number] = [] }) => owned.some((it) => it.phone_number === number));
    expect(dialled.map((it) => Reflect.get(it, 'address'))).toEqual(Array(2).fill(anew.domain_name));
  });
});
