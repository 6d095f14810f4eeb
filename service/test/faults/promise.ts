import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { drawNumber, openService } from '../open-service.ts';
import { expectWholeWorld, settle } from '../world.ts';
import { timeOutWhereSilent } from './silence.ts';
import { type WayName, wayNames, ways } from './ways.ts';

type Flow = 'a first import of an integration' | 'a later import of an integration' | 'an import of a SIP number';

/** What a caller gets when a call keeps failing in this way. */
const answers: Record<WayName, { status: number; code: string; acts?: true }> = {
  refused: { status: 502, code: 'provider_error' },
  busy: { status: 503, code: 'provider_unavailable' },
  away: { status: 503, code: 'provider_unavailable' },
  'silent before acting': { status: 504, code: 'provider_timeout' },
  'silent after acting': { status: 504, code: 'provider_timeout', acts: true },
  'dropped before acting': { status: 503, code: 'provider_unavailable' },
  'dropped after acting': { status: 503, code: 'provider_unavailable', acts: true },
};

const ALWAYS = 1000;
const PROVIDER_TIMEOUT_SECONDS = 4;
const reads: ReadonlySet<string> = new Set([
  'twilio.listNumbers',
  'twilio.fetchTrunk',
  'twilio.fetchNumberRoute',
  'livekit.ListSIPInboundTrunk',
]);
/** If this call is refused, the import continues with a warning. */
const dispensable = 'twilio.fetchNumberRoute';

/** Whichever call of the flow fails, and however: the answer is right, and nothing half built is left. */
export const promiseOf = async (flow: Flow): Promise<void> => {
  const environment = { PROVIDER_TIMEOUT_SECONDS: `${PROVIDER_TIMEOUT_SECONDS}`, IMPORT_DEADLINE_SECONDS: '16' };
  const service = await openService({ environment });
  timeOutWhereSilent(service.sandbox.faults, () => service.clock.advance(1000 * PROVIDER_TIMEOUT_SECONDS));

  /** A number to import, with everything it needs. */
  const prepare = async () => {
    const phone_number = drawNumber();
    const directions = { phone_number, supports_inbound: true, supports_outbound: true } as const;
    const caller = await service.newOrganization();
    if (flow === 'an import of a SIP number') {
      const credentials = { sip_username: 'user', sip_password: 'pass' };
      const sip = { provider: 'sip', sip_server_address: 'sip.example.com', ...credentials } as const;
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

  const clean = await prepare();
  const begun = service.sandbox.faults.calls.length;
  await clean.caller.client.phoneNumbers.import.mutate(clean.input);
  const calls = new Set(service.sandbox.faults.calls.slice(begun));

  describe(`${flow}, with this fault:`, () => {
    afterEach(() => service.sandbox.faults.clear());
    afterAll(() => service.close());

    for (const call of calls) {
      for (const way of wayNames) {
        const { status, code, acts } = answers[way];
        // Other tests cover waiting for a busy provider.
        const fault = { ...ways[way], retry_after_seconds: undefined };
        const isRefused = way === 'refused' && call !== dispensable;
        // What a call made is found by its tag in the next attempt, even if the answer was lost.
        const isFound = acts && !reads.has(call);
        const goesOn = isFound || (way === 'refused' && call === dispensable);

        it(`${way} at ${call} once: ${isRefused ? 'reports it, and leaves nothing' : 'tries again, and imports'}`, async () => {
          const { caller, input } = await prepare();
          service.sandbox.faults.add({ ...fault, call });
          const answer = await caller.rest('POST', '/api/phone-numbers', input);
          expect(answer.status).toBe(isRefused ? status : 201);
          await settle(service);
          await expectWholeWorld(service);
          const { data } = await caller.client.phoneNumbers.list.query({ phone_number: input.phone_number });
          expect(data.map(({ provisioning_state }) => provisioning_state)).toEqual(isRefused ? [] : ['active']);
        });

        if (goesOn) {
          it(`${way} at ${call} every time: ${isFound ? 'finds what was made, and imports' : 'imports'}`, async () => {
            const { caller, input } = await prepare();
            service.sandbox.faults.add({ ...fault, call, times: ALWAYS });
            expect((await caller.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
            await settle(service);
            await expectWholeWorld(service);
          });
          continue;
        }

        it(`${way} at ${call} every time: reports it, leaves nothing, and the number can be imported`, async () => {
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
