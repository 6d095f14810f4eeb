import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox/faults.ts';
import { drawNumber, type OpenedService, openService } from '../open-service.ts';
import { expectWholeWorld, settle } from '../world.ts';

/** Each call that an import makes, in the order of its longest chain. */
const calls = {
  'a first import of an integration': [
    'twilio.listNumbers',
    'livekit.ListSIPInboundTrunk',
    'livekit.CreateSIPInboundTrunk',
    'livekit.CreateSIPDispatchRule',
    'twilio.createTrunk',
    'twilio.createCredentialList',
    'twilio.createOriginationUrl',
    'twilio.createCredential',
    'twilio.createPermission',
    'livekit.CreateSIPOutboundTrunk',
    'twilio.updateNumber',
  ],
  'a later import of an integration': [
    'twilio.listNumbers',
    'livekit.ListSIPInboundTrunk',
    'livekit.CreateSIPInboundTrunk',
    'livekit.CreateSIPDispatchRule',
    'livekit.CreateSIPOutboundTrunk',
    'twilio.updateNumber',
  ],
  'an import of a SIP number': [
    'livekit.CreateSIPInboundTrunk',
    'livekit.CreateSIPDispatchRule',
    'livekit.CreateSIPOutboundTrunk',
  ],
} as const;

type Flow = keyof typeof calls;
type Way = Partial<Fault> & Pick<Fault, 'kind'>;

/** How a call fails; what a caller reads where it goes on failing. */
const ways: Record<string, { fault: Way; status: number; code: string; acts?: true }> = {
  refuses: {
    fault: { kind: 'answer', status: 400, body: { code: 20_001, msg: 'no', message: 'no', status: 400 } },
    status: 502,
    code: 'provider_error',
  },
  'answers 429': {
    fault: { kind: 'answer', status: 429, body: { code: 20_429, message: 'slow down', status: 429 } },
    status: 503,
    code: 'provider_unavailable',
  },
  'answers 503': { fault: { kind: 'answer', status: 503 }, status: 503, code: 'provider_unavailable' },
  'stays silent and does nothing': { fault: { kind: 'hang_before' }, status: 504, code: 'provider_timeout' },
  'stays silent and acts': { fault: { kind: 'hang_after' }, status: 504, code: 'provider_timeout', acts: true },
  'drops the connection and does nothing': {
    fault: { kind: 'drop_before' },
    status: 503,
    code: 'provider_unavailable',
  },
  'drops the connection and acts': {
    fault: { kind: 'drop_after' },
    status: 503,
    code: 'provider_unavailable',
    acts: true,
  },
};

const ALWAYS = 1000;
const reads: ReadonlySet<string> = new Set(['twilio.listNumbers', 'livekit.ListSIPInboundTrunk']);

/** Whichever call of the flow fails, and however: the answer is right, and nothing half made is left. */
export const promiseOf = (flow: Flow): void => {
  describe(`${flow}, where a provider`, () => {
    let service: OpenedService;
    beforeAll(async () => {
      service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '0.25' } });
    });
    afterEach(() => service.sandbox.faults.clear());
    afterAll(() => service.close());

    /** What is imported, with all that it needs in place. */
    const prepare = async () => {
      const phone_number = drawNumber();
      const directions = { phone_number, supports_inbound: true, supports_outbound: true } as const;
      const caller = await service.newOrganization();
      if (flow === 'an import of a SIP number') {
        const sip = {
          provider: 'sip',
          sip_server_address: 'sip.example.com',
          sip_username: 'user',
          sip_password: 'pass',
        } as const;
        return { caller, input: { ...directions, ...sip } };
      }
      const another = drawNumber();
      const { integration_id } = await service.integrate(caller, [
        { phone_number, voice_url: 'https://example.com/before' },
        { phone_number: another },
      ]);
      const ofTwilio = { provider: 'twilio', integration_id } as const;
      if (flow === 'a later import of an integration') {
        await caller.client.phoneNumbers.import.mutate({ ...directions, ...ofTwilio, phone_number: another });
      }
      return { caller, input: { ...directions, ...ofTwilio } };
    };

    for (const call of calls[flow]) {
      for (const [way, { fault, status, code, acts }] of Object.entries(ways)) {
        const isRefused = way === 'refuses';
        // What a call has made, though its answer was lost, is found by our mark the next time.
        const isFound = acts && !reads.has(call);

        it(`${way} at ${call} once, ${isRefused ? 'tells, and leaves nothing' : 'tries again, and imports'}`, async () => {
          const { caller, input } = await prepare();
          service.sandbox.faults.add({ ...fault, call });
          const answer = await caller.rest('POST', '/api/phone-numbers', input);
          expect(answer.status).toBe(isRefused ? status : 201);
          await settle(service);
          await expectWholeWorld(service);
          const { data } = await caller.client.phoneNumbers.list.query({ phone_number: input.phone_number });
          expect(data.map(({ provisioning_state }) => provisioning_state)).toEqual(isRefused ? [] : ['active']);
        });

        if (isFound) {
          it(`${way} at ${call} again and again, finds what was made, and imports`, async () => {
            const { caller, input } = await prepare();
            service.sandbox.faults.add({ ...fault, call, times: ALWAYS });
            expect((await caller.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
            await settle(service);
            await expectWholeWorld(service);
          });
          continue;
        }

        it(`${way} at ${call} again and again, tells, leaves nothing, and the number can be imported`, async () => {
          const { caller, input } = await prepare();
          service.sandbox.faults.add({ ...fault, call, times: ALWAYS });
          const error = await caller.client.phoneNumbers.import.mutate(input).catch(problemIn);
          expect(error).toMatchObject({ success: false, status, code });
          service.sandbox.faults.clear();
          await settle(service);
          await expectWholeWorld(service);
          expect((await caller.client.phoneNumbers.list.query({ phone_number: input.phone_number })).data).toEqual([]);
          const again = await caller.rest('POST', '/api/phone-numbers', input);
          expect(again.status).toBe(201);
          await settle(service);
          await expectWholeWorld(service);
        });
      }
    }
  });
};
