import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type LiveKit, openRealLiveKit, openStandIn } from './livekit.ts';
import { createWire, type Wire } from './livekit-wire.ts';

// Every difference between the two that the stand-in keeps, with the reason.
describe.skipIf(inject('real_livekit') === null)('livekit-server, unlike the stand-in,', () => {
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

  it('reads only up to the end of the JSON. Node has no such parser, and no client sends more', async () => {
    const body = '{"trunk":{"sipTrunkId":"x"}} and more';
    expect((await real('CreateSIPInboundTrunk', body)).body.code).toBe('invalid_argument');
    expect((await standIn('CreateSIPInboundTrunk', body)).body.code).toBe('malformed');
  });

  it.each(['GetSIPInboundTrunk', 'GetSIPOutboundTrunk', 'ListSIPTrunk'])(
    'has %s. The SDK has no call for it, or deprecates it, and this service does not use it',
    async (method) => {
      expect((await real(method, {})).body.code).not.toBe('bad_route');
      expect((await standIn(method, {})).body.code).toBe('bad_route');
    },
  );

  it.each(['CreateSIPParticipant', 'TransferSIPParticipant'])('has %s. The stand-in has no calls', async (method) => {
    expect((await real(method, {}, { grants: {} })).body.code).not.toBe('bad_route');
    expect((await standIn(method, {}, { grants: {} })).body.code).toBe('bad_route');
  });

  it('has rooms. The stand-in has no calls, so nobody would be in one', async () => {
    const sent = { grants: { video: { roomList: true } } };
    expect(await real('livekit.RoomService/ListRooms', {}, sent)).toMatchObject({ status: 200, body: { rooms: [] } });
    expect((await standIn('livekit.RoomService/ListRooms', {}, sent)).status).toBe(404);
  });
});
