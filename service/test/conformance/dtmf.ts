import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const PAYLOAD_TYPE = 101;
const PCMU = 0;
const PCMU_SILENCE = 0xff;
const VOLUME = 10;
const PACKET_MS = 20;
const SAMPLES_PER_PACKET = 160;
const PACKETS_PER_DIGIT = 8;
const KEYS = '0123456789*#ABCD';

/**
 * Dials digits as a phone does during a call: as events in RTP (https://www.rfc-editor.org/rfc/rfc4733). Then sends
 * silence until the test ends, because livekit-sip hangs up after 15 s without audio.
 */
export const dial = async (
  digits: string,
  { from, to, until }: { from: number; to: number; until: AbortSignal },
): Promise<void> => {
  const socket = createSocket('udp4').bind(from, '127.0.0.1');
  await once(socket, 'listening');
  let sequence = 1;
  let timestamp = 1000;
  const header = (payload_type: number, length: number): Buffer => {
    const rtp = Buffer.alloc(length);
    rtp.writeUInt8(0x80, 0);
    rtp.writeUInt8(payload_type, 1);
    rtp.writeUInt16BE(sequence++, 2);
    rtp.writeUInt32BE(timestamp, 4);
    rtp.writeUInt32BE(0x7a11, 8);
    return rtp;
  };
  for (const digit of digits) {
    for (let packet = 1; packet <= PACKETS_PER_DIGIT; packet++) {
      // The last three say that the key was released, so two of them may be lost.
      const released = packet > PACKETS_PER_DIGIT - 3;
      const rtp = header((packet === 1 ? 0x80 : 0) | PAYLOAD_TYPE, 16);
      rtp.writeUInt8(KEYS.indexOf(digit), 12);
      rtp.writeUInt8((released ? 0x80 : 0) | VOLUME, 13);
      rtp.writeUInt16BE(packet * SAMPLES_PER_PACKET, 14);
      socket.send(rtp, to, '127.0.0.1');
      await wait(PACKET_MS);
    }
    timestamp += 2 * PACKETS_PER_DIGIT * SAMPLES_PER_PACKET;
    await wait(4 * PACKET_MS);
  }
  const silence = setInterval(() => {
    socket.send(header(PCMU, 12 + SAMPLES_PER_PACKET).fill(PCMU_SILENCE, 12), to, '127.0.0.1');
    timestamp += SAMPLES_PER_PACKET;
  }, PACKET_MS);
  until.addEventListener('abort', () => {
    clearInterval(silence);
    socket.close();
  });
};
