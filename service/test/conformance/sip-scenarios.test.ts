import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { dial } from './dtmf.ts';
import { answerScenario, callScenario } from './sip-scenarios.ts';
import { type Sipp, type SippOptions, startSipp } from './sipp.ts';

const path = inject('sipp');
const CALLER = '+15551230000';
const DIALLED = '+15558887777';
const credentials = { username: 'carrier', password: 'a-password' };

// The scenarios of calls.test.ts, tested against each other: they must stay correct where livekit-sip is missing.
describe.skipIf(path === null)('the carrier of the call tests', () => {
  const started: Sipp[] = [];
  afterEach(async () => {
    for (const call of started.splice(0)) await call.close();
  });
  const sipp = async (options: SippOptions): Promise<Sipp> => {
    const call = await startSipp(path ?? '', options);
    started.push(call);
    return call;
  };
  const meet = async (call: Partial<SippOptions>) => {
    const carrier = await sipp({ scenario: answerScenario(CALLER, DIALLED), ...credentials });
    const scenario = callScenario({ digest: 401, expect: 'answered', hold_ms: 200 });
    const to = carrier.address;
    const caller = await sipp({ scenario, to, dialled: DIALLED, caller: CALLER, ...credentials, ...call });
    return { carrier, caller };
  };

  it('accepts a call to the right number with the right digest', async () => {
    const { carrier, caller } = await meet({});
    await caller.finished();
    await carrier.finished();
  });

  it.each([{ password: 'another' }, { username: 'another' }, { caller: DIALLED }, { dialled: CALLER }])(
    'fails for a call with %j',
    async (wrong) => {
      const { carrier } = await meet(wrong);
      await expect(carrier.finished()).rejects.toThrow('sipp ended with 1');
    },
  );

  it('reports the port for digits, and each digit arrives once', async () => {
    const { caller } = await meet({});
    expect(await caller.media()).toBeGreaterThan(0);
    const phone = createSocket('udp4').bind(0, '127.0.0.1');
    await once(phone, 'listening');
    const pressed: number[] = [];
    phone.on('message', (rtp) => {
      // The first packet of an event has the marker bit.
      if (rtp.readUInt8(1) & 0x80) pressed.push(rtp.readUInt8(12));
    });
    const over = new AbortController();
    await dial('104#', { from: caller.rtp_port, to: phone.address().port, until: over.signal });
    over.abort();
    phone.close();
    expect(pressed).toEqual([1, 0, 4, 11]);
  });
});
