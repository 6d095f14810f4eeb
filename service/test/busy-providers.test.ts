import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TwilioAccountState } from '../src/sandbox/twilio-accounts.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { createTurnedClock, type TurnedClock } from './turned-clock.ts';
import { expectWholeWorld, settle } from './world.ts';

const turned = createTurnedClock();
/** Ends the waits of a second that a provider asks for at once, and advances the clock by them. */
const clock: TurnedClock = {
  ...turned,
  sleep: async (ms, signal) => {
    if (ms < 1000 || ms > 1250) return turned.sleep(ms, signal);
    turned.advance(ms);
  },
};

let gateway: Gateway;
let service: OpenedService;
beforeAll(async () => {
  gateway = await openGateway(clock);
  service = await openService({
    ...{ clock, sandbox: gateway.sandbox, environment: { PROVIDER_TIMEOUT_SECONDS: '10' } },
  });
});
afterEach(() => {
  gateway.intercept = () => false;
});
afterAll(async () => {
  await service.close();
  await gateway[Symbol.asyncDispose]();
});

const both = { supports_inbound: true, supports_outbound: true } as const;
const importOf = async () => {
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(service.admin, [{ phone_number }]);
  const input = { provider: 'twilio', integration_id, phone_number, ...both };
  return () => service.admin.rest('POST', '/api/phone-numbers', input);
};

/** The call without the ids. */
const nameOf = ({ method, url }: { method: string; url: URL }) =>
  `${method} ${url.pathname.replaceAll(/[A-Z]{2}[0-9a-f]{32}/g, 'SID')}`;

/** Refuses each call until a second after it first came, and returns when each came. */
const refuseEachCallOnce = () => {
  const asked = new Map<string, number[]>();
  const freeAt = new Map<string, number>();
  gateway.intercept = (call, res) => {
    const name = nameOf(call);
    // This call reads back what the one before it did: refusing it would leave that uncertain.
    if (name === 'GET /v1/Trunks/SID') return false;
    const at = clock.now();
    asked.set(name, [...(asked.get(name) ?? []), at]);
    if (at >= (freeAt.get(name) ?? at + 1)) return false;
    freeAt.set(name, freeAt.get(name) ?? at + 1000);
    res.writeHead(429, { 'Retry-After': '1' }).end('{}');
    return true;
  };
  return asked;
};

describe('A provider that answers 429 with Retry-After', () => {
  it('is called again within the import, at each of its calls, and not before that time', async () => {
    const send = await importOf();
    const asked = refuseEachCallOnce();
    expect((await send()).status).toBe(201);
    // Twelve calls, each refused once.
    expect(Object.fromEntries([...asked].map(([name, times]) => [name, times.length]))).toEqual(
      Object.fromEntries([...asked.keys()].map((name) => [name, 2])),
    );
    expect(asked.size).toBe(12);
    for (const [first = 0, second = 0] of asked.values()) expect(second - first).toBeGreaterThanOrEqual(1000);
    gateway.intercept = () => false;
    await settle(service);
    await expectWholeWorld(service);
  });

  it('is called again within an update and a deletion of an integration', async () => {
    const phone_number = drawNumber();
    const { integration_id, account_sid } = await service.integrate(service.admin, [{ phone_number }]);
    const input = { provider: 'twilio', integration_id, phone_number, ...both } as const;
    const { data } = await service.admin.client.phoneNumbers.import.mutate(input);
    await service.admin.client.phoneNumbers.release.mutate({ phone_number_id: data.phone_number_id });
    await settle(service);
    const path = `/api/integrations/${integration_id}`;
    const { auth_token } = (await service.sandbox.shelf.get<TwilioAccountState>('twilio.account', account_sid))!;
    const credentials = { provider: 'twilio', account_sid, auth_token };
    for (const [method, body] of [['PUT', { credentials }], ['PUT', { call_transfers: 'all' }], ['DELETE']] as const) {
      const asked = refuseEachCallOnce();
      expect((await service.admin.rest(method, path, body)).status).toBe(200);
      expect(asked.size).toBeGreaterThan(0);
      for (const [first = 0, second = 0] of asked.values()) expect(second - first).toBeGreaterThanOrEqual(1000);
    }
  });

  it.each([
    ['Twilio', '/2010-04-01/', (name: string) => !name.includes('/twirp/'), 'in seconds', () => '120'],
    ['LiveKit', '/CreateSIPOutboundTrunk', (name: string) => name.includes('/twirp/'), 'in seconds', () => '120'],
    [
      'Twilio',
      'POST /v1/Trunks',
      (name: string) => !name.includes('/twirp/'),
      'as a date',
      () => new Date(Date.now() + 120_500).toUTCString(),
    ],
    [
      'LiveKit',
      '/CreateSIPInboundTrunk',
      (name: string) => name.includes('/twirp/'),
      'as a date',
      () => new Date(Date.now() + 120_500).toUTCString(),
    ],
  ])(
    'is not called again before that time if it is after the deadline: %s at %s, %s',
    async (_who, at, isIts, _how, said) => {
      const send = await importOf();
      let refused = 0;
      const since: string[] = [];
      gateway.intercept = (call, res) => {
        const name = nameOf(call);
        if (refused > 0 && isIts(name)) since.push(name);
        if (refused > 0 || !name.includes(at)) return false;
        refused = clock.now();
        res.writeHead(429, { 'Retry-After': said() }).end('{}');
        return true;
      };
      const { status, headers, body } = await send();
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'provider_unavailable' });
      const { retry_after_seconds } = body;
      expect(retry_after_seconds).toBeGreaterThan(100);
      expect(retry_after_seconds).toBeLessThanOrEqual(121);
      expect(headers.get('retry-after')).toBe(String(retry_after_seconds));
      // Calls that had begun before the refusal arrived.
      await service.background.idle();
      since.length = 0;
      clock.advance(90_000);
      await service.reconciler.turn();
      await service.background.idle();
      expect(since).toEqual([]);
      gateway.intercept = () => false;
      await settle(service);
      await expectWholeWorld(service);
      expect((await send()).status).toBe(201);
    },
  );
});

describe('A definite refusal', () => {
  it('of three domain names in a row is answered with its reason, and leaves the number free', async () => {
    const send = await importOf();
    const body = { code: 21_248, message: 'Trunk Domain already taken', status: 400 };
    service.sandbox.faults.add({ call: 'twilio.createTrunk', kind: 'answer', status: 400, times: 3, body });
    const answer = await send();
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'provider_refused',
        detail: expect.stringContaining('Trunk Domain already taken'),
        provider: { code: '21248' },
      },
    });
    expect(
      await service.connection.collection('phone_numbers').countDocuments({ provisioning_state: 'importing' }),
    ).toBe(0);
    expect((await send()).status).toBe(201);
    await settle(service);
    await expectWholeWorld(service);
  });

  it('of an agent, because LiveKit reports clashing rules, is answered, and the assignment is dropped', async () => {
    const imported = await (await importOf())();
    const { phone_number_id } = imported.body.data;
    const msg =
      'Dispatch rule for the same trunk, number, and PIN combination already exists in dispatch rule "SDR_x" "n"';
    service.sandbox.faults.add({
      ...{ call: 'livekit.UpdateSIPDispatchRule', kind: 'answer', status: 400 },
      body: { code: 'invalid_argument', msg },
    });
    const assign = (agent_id: string) =>
      service.admin.rest('POST', `/api/phone-numbers/${phone_number_id}/assign`, { agent_id });
    const { status, body } = await assign('one');
    expect({ status, code: body.code }).toEqual({ status: 502, code: 'provider_error' });
    expect(body.detail).toContain('SDR_x');
    const { body: read } = await service.admin.rest('GET', `/api/phone-numbers/${phone_number_id}`);
    expect(read.data).toMatchObject({ status: 'free', assigned_agent_id: null });
    expect(await assign('two')).toMatchObject({ status: 200, body: { data: { assigned_agent_id: 'two' } } });
  });
});
