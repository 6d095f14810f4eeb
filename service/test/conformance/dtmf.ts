import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const PAYLOAD_TYPE = 101;
const VOLUME = 10;
const PACKET_MS = 20;
const SAMPLES_PER_PACKET = 160;
const PACKETS_PER_DIGIT = 8;
const KEYS = '0123456789*#ABCD';

/** Dials digits as a phone does in a call: events in RTP. https://www.rfc-editor.org/rfc/rfc4733 */
export const dial = async (digits: string, { from, to }: { from: number; to: number }): Promise<void> => {
  const socket = createSocket('udp4').bind(from, '127.0.0.1');
  await once(socket, 'listening');
  let sequence = 1;
  let timestamp = 1000;
  for (const digit of digits) {
    for (let packet = 1; packet <= PACKETS_PER_DIGIT; packet++) {
      // The last three say that the key was let go of, so that one of them may be lost.
      const released = packet > PACKETS_PER_DIGIT - 3;
      const rtp = Buffer.alloc(16);
      rtp.writeUInt8(0x80, 0);
      rtp.writeUInt8((packet === 1 ? 0x80 : 0) | PAYLOAD_TYPE, 1);
      rtp.writeUInt16BE(sequence++, 2);
      rtp.writeUInt32BE(timestamp, 4);
      rtp.writeUInt32BE(0x7a11, 8);
      rtp.writeUInt8(KEYS.indexOf(digit), 12);
      rtp.writeUInt8((released ? 0x80 : 0) | VOLUME, 13);
      rtp.writeUInt16BE(packet * SAMPLES_PER_PACKET, 14);
      socket.send(rtp, to, '127.0.0.1');
      await wait(PACKET_MS);
    }
    timestamp += 2 * PACKETS_PER_DIGIT * SAMPLES_PER_PACKET;
    await wait(4 * PACKET_MS);
  }
  socket.close();
};
