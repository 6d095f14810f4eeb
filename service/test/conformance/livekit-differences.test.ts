import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type LiveKit, openRealLiveKit, openStandIn } from './livekit.ts';
import { createWire, type Wire } from './livekit-wire.ts';

// Where the two differ and the stand-in is not mended, with the reason. What is not here is alike.
describe.skipIf(inject('real_livekit') === null)('livekit-server, and not the stand-in', () => {
  let opened: LiveKit[] = [];
  let real: Wire;
  let standIn: Wire;
  beforeAll(async () => {
    const [server, sandbox] = await Promise.all([openRealLiveKit(), openStandIn()]);
    opened = [server, sandbox];
    real = createWire(server);
    standIn = createWire(sandbox);
  });
  afterAll(async () => {
    for (const { close } of opened) await close();
  });

  it('stops reading a request where its JSON ends. Node has no parser that does, and no client sends more', async () => {
    const body = '{"trunk":{"sipTrunkId":"x"}} and more';
    expect((await real('CreateSIPInboundTrunk', body)).body.code).toBe('invalid_argument');
    expect((await standIn('CreateSIPInboundTrunk', body)).body.code).toBe('malformed');
  });

  it.each(['GetSIPInboundTrunk', 'GetSIPOutboundTrunk', 'ListSIPTrunk'])(
    'has %s. The SDK has no call for it, or calls it deprecated, and nothing of ours makes it',
    async (method) => {
      expect((await real(method, {})).body.code).not.toBe('bad_route');
      expect((await standIn(method, {})).body.code).toBe('bad_route');
    },
  );

  it.each(['CreateSIPParticipant', 'TransferSIPParticipant'])(
    'has %s. The stand-in takes and places no calls',
    async (method) => {
      expect((await real(method, {}, { grants: {} })).body.code).not.toBe('bad_route');
      expect((await standIn(method, {}, { grants: {} })).body.code).toBe('bad_route');
    },
  );

  it('has rooms. Without calls there is nobody to be in one', async () => {
    const sent = { grants: { video: { roomList: true } } };
    expect(await real('livekit.RoomService/ListRooms', {}, sent)).toMatchObject({ status: 200, body: { rooms: [] } });
    expect((await standIn('livekit.RoomService/ListRooms', {}, sent)).status).toBe(404);
  });
});
