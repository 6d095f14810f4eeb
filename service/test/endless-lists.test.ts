import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, openGateway } from './gateway.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { createTurnedClock } from './turned-clock.ts';
import { expectWholeWorld, settle } from './world.ts';

const clock = createTurnedClock();
let gateway: Gateway;
let service: OpenedService;
beforeAll(async () => {
  gateway = await openGateway(clock);
});
afterEach(async () => {
  gateway.intercept = () => false;
  await service?.close();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const open = async (PROVIDER_TIMEOUT_SECONDS: string) => {
  service = await openService({ clock, sandbox: gateway.sandbox, environment: { PROVIDER_TIMEOUT_SECONDS } });
};

/** A list of numbers that always names another next page. Reports each page that is requested. */
const neverEnding = (onPage: (page: number, send: () => void) => void) => {
  let pages = 0;
  gateway.intercept = ({ method, url }, res) => {
    if (method !== 'GET' || !url.pathname.endsWith('/IncomingPhoneNumbers.json')) return false;
    pages++;
    const next = { incoming_phone_numbers: [], next_page_uri: `${url.pathname}?Page=${pages}` };
    onPage(pages, () => sendJson(res, next));
    return true;
  };
  return () => pages;
};

const sendJson = (res: ServerResponse, body: unknown) =>
  void res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

const imports = async () => {
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(service.admin, [{ phone_number }]);
  const input = { provider: 'twilio', integration_id, phone_number, supports_inbound: true };
  return () => service.admin.rest('POST', '/api/phone-numbers', input);
};

describe("A list of Twilio's that never ends", () => {
  it('has one deadline for all of its pages, and is not read any further after the response', async () => {
    await open('0.4');
    const send = await imports();
    const pages = neverEnding((_page, answer) => setTimeout(answer, 100));
    const { status, body } = await send();
    expect({ status, code: body.code }).toEqual({ status: 504, code: 'provider_timeout' });
    // Three tries of 0.4 s, at 0.1 s a page.
    const asked = pages();
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThanOrEqual(12);
    await service.background.idle();
    expect(pages()).toBe(asked);
    gateway.intercept = () => false;
    await settle(service);
    await expectWholeWorld(service);
    expect((await send()).status).toBe(201);
  });

  it('is not read any further once the import that needs it has been answered', async () => {
    await open('20');
    const send = await imports();
    const { promise: second, resolve } = Promise.withResolvers<() => void>();
    const pages = neverEnding((page, answer) => (page === 2 ? resolve(answer) : answer()));
    const sent = send();
    const answerSecond = await second;
    clock.advance(25_000);
    expect((await sent).body).toMatchObject({
      code: 'provider_timeout',
      detail: expect.stringContaining('25 seconds'),
    });
    answerSecond();
    await service.background.idle();
    expect(pages()).toBe(2);
    gateway.intercept = () => false;
    await settle(service);
    expect((await send()).status).toBe(201);
  });

  it('is requested only once when credentials are proven, which succeeds', async () => {
    await open('20');
    const pages = neverEnding((_page, answer) => answer());
    await service.integrate(service.admin, []);
    expect(pages()).toBe(1);
  });
});

describe('A number that follows others that begin with it', () => {
  it.each([
    [120, '+493012345'],
    [1100, '+493012346'],
  ])('is found after %i of them', async (count, phone_number) => {
    await open('20');
    const others = Array.from({ length: count }, (_, n) => ({ phone_number: `${phone_number}${1000 + n}` }));
    const { integration_id } = await service.integrate(service.admin, [...others, { phone_number }]);
    const { data } = await service.admin.client.phoneNumbers.import.mutate({
      ...{ provider: 'twilio', integration_id, phone_number, supports_inbound: true },
    });
    expect(data).toMatchObject({ phone_number, provisioning_state: 'active' });
  });
});
