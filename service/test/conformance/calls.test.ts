import { setTimeout as wait } from 'node:timers/promises';
import { RoomServiceClient, SipClient } from 'livekit-server-sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { until } from '../chaos/processes.ts';
import { dial } from './dtmf.ts';
import { type LiveKitSip, startLiveKitSip } from './livekit-sip.ts';
import { answerScenario, type Call, callScenario } from './sip-scenarios.ts';
import { type Sipp, type SippOptions, startSipp } from './sipp.ts';
import { openWhole, type Whole } from './whole.ts';

const livekit_sip = inject('livekit_sip');
const sipp_path = inject('sipp');
const CALLER = '+15551230000';
const RING_MS = 5000;
/** Slow enough for the service's rate limit. */
const BETWEEN_UPDATES_MS = 50;

describe.skipIf(livekit_sip === null || sipp_path === null)('a call', () => {
  let whole: Whole;
  let sip: LiveKitSip;
  let rooms: RoomServiceClient;
  const started: Sipp[] = [];
  let over: AbortController;
  beforeEach(() => {
    over = new AbortController();
  });

  beforeAll(async () => {
    // In production no carrier may be on the machine that dials, as the one here is.
    whole = await openWhole({ NODE_ENV: 'test' });
    sip = await startLiveKitSip(livekit_sip ?? '', whole.livekit);
    const { url, api_key, api_secret } = whole.livekit;
    rooms = new RoomServiceClient(url, api_key, api_secret);
  });
  afterEach(async () => {
    over.abort();
    for (const call of started.splice(0)) await call.close();
    for (const { name } of await rooms.listRooms()) await rooms.deleteRoom(name);
  });
  afterAll(async () => {
    await sip?.close();
    await whole?.close();
  });

  const sipp = async (options: SippOptions): Promise<Sipp> => {
    const call = await startSipp(sipp_path ?? '', options);
    started.push(call);
    return call;
  };
  const call = (dialled: string, behaviour: Call, credentials: { username?: string; password?: string } = {}) =>
    sipp({ scenario: callScenario(behaviour), to: sip.address, dialled, caller: CALLER, ...credentials });
  const imported = async (fields: object) => {
    const input = whole.ofSip({ media_encryption: 'disable', ...fields });
    const { status, body } = await whole.importNumber(input);
    expect(status).toBe(201);
    return { ...body.data, phone_number: input.phone_number };
  };
  /** The caller's room, once there is one. */
  const roomOf = async (prefix: string) => {
    const pattern = new RegExp(`^${prefix}_\\${CALLER}_[0-9A-Za-z]{12}$`);
    let name = '';
    await until('the caller is in a room', async () => {
      name = (await rooms.listRooms()).find((room) => pattern.test(room.name))?.name ?? '';
      return name !== '' && (await rooms.listParticipants(name)).length > 0;
    });
    return { name, participants: await rooms.listParticipants(name) };
  };
  const expectNoRoom = async () => expect((await rooms.listRooms()).map(({ name }) => name)).toEqual([]);
  const digest = { sip_username: 'carrier', sip_password: 'a-password', inbound_authentication: 'digest' };

  it('with the right digest password reaches its own room, whose participant names our trunk and rule', async () => {
    const number = await imported({ ...digest, inbound_room_name: 'support-' });
    const ringing = await call(
      number.phone_number,
      { digest: 407, expect: 'ringing', hold_ms: RING_MS },
      { username: 'carrier', password: 'a-password' },
    );
    const { participants } = await roomOf('support-');
    expect(participants).toMatchObject([
      {
        identity: `sip_${CALLER}`,
        attributes: {
          'sip.trunkID': number.inbound_trunk_id,
          'sip.ruleID': number.dispatch_rule_id,
          'sip.phoneNumber': CALLER,
          'sip.trunkPhoneNumber': number.phone_number,
          'sip.callStatus': 'ringing',
        },
      },
    ]);
    await ringing.finished();
  });

  it('with a wrong digest password is refused', async () => {
    const { phone_number } = await imported(digest);
    const refused = await call(
      phone_number,
      { digest: 407, expect: 'refused', hold_ms: 0 },
      { username: 'carrier', password: 'another' },
    );
    await refused.finished();
    await expectNoRoom();
  });

  it('from a listed address reaches a room without a challenge', async () => {
    const { phone_number } = await imported({ allowed_addresses: ['127.0.0.0/8'] });
    const ringing = await call(phone_number, { expect: 'ringing', hold_ms: RING_MS });
    await roomOf('call');
    await ringing.finished();
  });

  it('from an address that is not listed gets no answer', async () => {
    const { phone_number } = await imported({ allowed_addresses: ['203.0.113.7'] });
    const silent = await call(phone_number, { expect: 'silent', hold_ms: RING_MS });
    await silent.finished();
    await expectNoRoom();
  });

  it('to a number that was not imported gets no answer', async () => {
    const silent = await call('+15559999999', { expect: 'silent', hold_ms: RING_MS });
    await silent.finished();
    await expectNoRoom();
  });

  it('to a number with a PIN waits until it is dialed', async () => {
    const { phone_number } = await imported({ allowed_addresses: ['127.0.0.0/8'], inbound_pin: '0042' });
    const answered = await call(phone_number, { expect: 'answered', hold_ms: 4 * RING_MS });
    const media = { from: answered.rtp_port, to: await answered.media(), until: over.signal };
    await expectNoRoom();
    await dial('0042#', media);
    await roomOf('call');
    await answered.finished();
  });

  it('to a number with a PIN is hung up after a wrong one', async () => {
    const { phone_number } = await imported({ allowed_addresses: ['127.0.0.0/8'], inbound_pin: '0042' });
    const hungUp = await call(phone_number, { expect: 'hung_up', hold_ms: 0 });
    await dial('4200#', { from: hungUp.rtp_port, to: await hungUp.media(), until: over.signal });
    await hungUp.finished();
    await expectNoRoom();
  });

  it('to a number that is being updated always rings', async () => {
    const { phone_number, phone_number_id } = await imported({ allowed_addresses: ['127.0.0.0/8'] });
    const update = async () => {
      for (let n = 0; !over.signal.aborted; n++, await wait(BETWEEN_UPDATES_MS)) {
        const allowed_addresses = ['127.0.0.0/8', ...(n % 2 ? [] : ['203.0.113.7'])];
        const patch = { inbound_room_name: `room-${n}-`, allowed_addresses };
        const { status } = await whole.service.caller.rest('PATCH', `/api/phone-numbers/${phone_number_id}`, patch);
        expect(status).toBe(200);
      }
    };
    const updating = update();
    const placing = async () => {
      for (let n = 0; n < 20; n++) await (await call(phone_number, { expect: 'ringing', hold_ms: 200 })).finished();
      over.abort();
    };
    await Promise.all([placing(), updating]);
  });

  it('to the outside uses the imported trunk to a carrier that requires digest authentication', async () => {
    const dialled = '+15558887777';
    // The trunk contains the carrier's port, and the carrier's scenario the number, so the number comes first.
    const input = whole.ofSip();
    const carrier = await sipp({
      scenario: answerScenario(input.phone_number, dialled),
      username: 'carrier',
      password: 'a-password',
    });
    const { status, body } = await whole.importNumber({
      ...input,
      sip_server_address: carrier.address,
      sip_transport: 'udp',
      media_encryption: 'disable',
      sip_username: 'carrier',
      sip_password: 'a-password',
    });
    expect(status).toBe(201);
    const { url, api_key, api_secret } = whole.livekit;
    const client = new SipClient(url, api_key, api_secret);
    await client.createSipParticipant(body.data.outbound_trunk_id, dialled, 'outbound', {
      participantIdentity: 'callee',
      waitUntilAnswered: true,
    });
    expect((await rooms.listParticipants('outbound')).map(({ identity }) => identity)).toContain('callee');
    await rooms.removeParticipant('outbound', 'callee');
    await carrier.finished();
  });
});
