import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../chaos/processes.ts';
import { type Held, openWhole, type Whole } from './whole.ts';

describe.skipIf(inject('real_livekit') === null)('Trunkline on a real livekit-server', () => {
  let whole: Whole;
  beforeAll(async () => {
    whole = await openWhole();
  });
  afterEach(() => whole.proxy.faults.clear());
  afterAll(() => whole?.close());

  /** Everything that is there now and was not there before. */
  const added = async (before: Held): Promise<any[]> => {
    const now = Object.values(await whole.readLiveKit()).flat();
    const known = new Set(Object.values(before).flatMap((things) => things.map(idOf)));
    return now.filter((thing) => !known.has(idOf(thing)));
  };
  const idOf = ({ sip_trunk_id, sip_dispatch_rule_id }: any) => sip_trunk_id ?? sip_dispatch_rule_id;
  const stateOf = async (phone_number: string) => {
    const path = `/api/phone-numbers?phone_number=${encodeURIComponent(phone_number)}`;
    return (await whole.service.caller.rest('GET', path)).body.data[0]?.provisioning_state;
  };

  it.each(['CreateSIPInboundTrunk', 'CreateSIPDispatchRule', 'CreateSIPOutboundTrunk'])(
    'takes over what %s made before its process was killed',
    async (method) => {
      const before = await whole.readLiveKit();
      const victim = await whole.startReplica();
      const input = whole.ofTwilio();
      whole.proxy.faults.add({ call: `livekit.${method}`, kind: 'hold_after' });
      const lost = whole.importNumber(input, victim).catch(() => undefined);
      await whole.proxy.faults.holding();
      await victim.end('SIGKILL');
      await lost;
      whole.proxy.faults.release();
      const left = await added(before);
      expect(left.length).toBeGreaterThan(0);
      await whole.settled();
      expect(await stateOf(input.phone_number)).toBe('active');
      expect(Object.values(await whole.linesOf(input))).toEqual(expect.arrayContaining(left));
      await whole.expectWhole();
    },
  );

  it('imports while livekit-server is killed and started again', async () => {
    const input = whole.ofSip();
    const { server } = whole.livekit;
    whole.proxy.faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'hold_before' });
    const answer = whole.importNumber(input);
    await whole.proxy.faults.holding();
    // The next attempt is held, too.
    whole.proxy.faults.add({ call: 'livekit.', kind: 'hold_before' });
    await server.kill();
    whole.proxy.faults.release();
    await whole.proxy.faults.holding();
    await server.restart();
    whole.proxy.faults.release();
    expect((await answer).status).toBe(201);
    await whole.settled();
    await whole.expectWhole();
  });

  it('reports that livekit-server is unavailable, and leaves nothing once it is back', async () => {
    const before = await whole.readLiveKit();
    const input = whole.ofTwilio();
    const { server } = whole.livekit;
    whole.proxy.faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'hold_before' });
    const answer = whole.importNumber(input);
    await whole.proxy.faults.holding();
    await server.kill();
    whole.proxy.faults.release();
    expect(await answer).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(await stateOf(input.phone_number)).toBe('releasing');
    await server.restart();
    await whole.settled();
    expect(await added(before)).toEqual([]);
    await whole.expectWhole();
    expect((await whole.importNumber(input)).status).toBe(201);
  });

  it("reports that LiveKit's Redis is unavailable, and imports once it is back", async () => {
    const { redis } = whole.livekit;
    const input = whole.ofSip();
    await redis.kill();
    expect(await whole.importNumber(input)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    await redis.restart();
    await until('LiveKit reads it again', async () => (await whole.post('ListSIPInboundTrunk', {})).status === 200);
    await whole.settled();
    expect((await whole.importNumber(input)).status).toBe(201);
    await whole.expectWhole();
  });

  it("builds a whole number again at the next change after LiveKit's Redis came back empty", async () => {
    const input = whole.ofTwilio();
    const { data } = (await whole.importNumber(input)).body;
    await whole.livekit.redis.kill();
    await whole.livekit.redis.restart({ empty: true });
    await until('LiveKit reads it again', async () => (await whole.post('ListSIPInboundTrunk', {})).status === 200);
    expect(await whole.readLiveKit()).toEqual({ inbound_trunk: [], outbound_trunk: [], dispatch_rule: [] });
    const assigning = `/api/phone-numbers/${data.phone_number_id}/assign`;
    const { status, body } = await whole.service.caller.rest('POST', assigning, { agent_id: 'reception' });
    expect({ answered: status, ...body.data }).toMatchObject({ answered: 200, assigned_agent_id: 'reception' });
    await whole.settled();
    const { inbound_trunk, outbound_trunk, dispatch_rule } = await whole.readLiveKit();
    expect([inbound_trunk, outbound_trunk].flat().map(idOf)).toEqual([
      body.data.inbound_trunk_id,
      body.data.outbound_trunk_id,
    ]);
    expect(dispatch_rule).toMatchObject([
      { sip_dispatch_rule_id: body.data.dispatch_rule_id, trunk_ids: [body.data.inbound_trunk_id] },
    ]);
  });
});
