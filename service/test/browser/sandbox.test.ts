import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drawNumber, type OpenedService, openService } from '../open-service.ts';
import { readWorld } from '../world.ts';
import { findingsOf } from './axe.ts';
import { executablePath } from './find-chromium.ts';
import { launchBrowser, newPage, type Scheme, type Size, sizes } from './open-page.ts';

const both = { supports_inbound: true, supports_outbound: true };

describe.skipIf(!executablePath)('/sandbox in a browser', () => {
  let service: OpenedService;
  let browser: Browser;
  let integration_id: string;
  const [imported, free] = [drawNumber(), drawNumber()];
  const behindSip = drawNumber();
  const requested: string[] = [];
  const complained: string[] = [];

  const importNumber = (phone_number: string) =>
    service.admin.rest('POST', '/api/phone-numbers', { phone_number, provider: 'twilio', ...both, integration_id });
  const importFromSip = (phone_number: string) =>
    service.admin.rest('POST', '/api/phone-numbers', {
      phone_number,
      provider: 'sip',
      ...both,
      sip_server_address: 'sip.example.com',
      sip_username: 'user',
      sip_password: 'a-password-of-theirs',
    });

  beforeAll(async () => {
    service = await openService();
    ({ integration_id } = await service.integrate(service.admin, [{ phone_number: imported }, { phone_number: free }]));
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  const open = async (size: Size = 'a desktop', colorScheme: Scheme = 'light'): Promise<Page> => {
    const page = await newPage(browser, size, colorScheme, { requested, complained });
    page.setDefaultTimeout(10_000);
    await page.goto(`${service.sandbox.url}/sandbox`);
    await numberOf(page, free).waitFor();
    return page;
  };

  const numberOf = (page: Page, phone_number: string) =>
    page.locator('#paths > li', { has: page.getByRole('heading', { name: phone_number, exact: true }) });
  /** The label and id of each box. */
  const boxesOf = async (number: Locator) => {
    const boxes = await number.locator('.box').all();
    return Promise.all(boxes.map((box) => box.locator('.label, .id').allTextContents()));
  };
  const nothing = [
    ['Carrier trunk', 'none'],
    ['Inbound trunk', 'none'],
    ['Dispatch rule', 'none'],
    ['Agent', 'none'],
    ['Outbound trunk', 'none'],
  ];

  it('says at first that nothing is built', async () => {
    const page = await open();
    expect(await page.locator('#verdict').textContent()).toMatch(/^Nothing is built/);
    expect((await boxesOf(numberOf(page, imported))).slice(1)).toEqual(nothing);
  });

  it('shows an import without a reload: five boxes and the outbound trunk, with their ids', async () => {
    const page = await open();
    const { status, body } = await importNumber(imported);
    expect(status).toBe(201);
    const number = numberOf(page, imported);
    await number.getByText('connected', { exact: true }).waitFor();
    const { numbers, trunks } = await readWorld(service);
    const { inbound_trunk_id, dispatch_rule_id, outbound_trunk_id, phone_number_id } = body.data;
    const path = [
      ['Number at Twilio', numbers.find(({ phone_number }) => phone_number === imported)?.sid],
      ['Carrier trunk', trunks[0]?.sid],
      ['Inbound trunk', inbound_trunk_id],
      ['Dispatch rule', dispatch_rule_id],
    ];
    const outbound = ['Outbound trunk', outbound_trunk_id];
    expect(await boxesOf(number)).toEqual([...path, ['Agent', 'none'], outbound]);
    await number.getByText(phone_number_id).waitFor();

    await service.admin.rest('POST', `/api/phone-numbers/${phone_number_id}/assign`, { agent_id: 'reception' });
    await number.getByText('reception', { exact: true }).waitFor();
    expect(await boxesOf(number)).toEqual([...path, ['Agent', 'reception'], outbound]);
    expect(await page.locator('#verdict').textContent()).toMatch(/^Nothing is left over: 1 number is connected/);
    expect(await page.locator('#calls code').first().textContent()).toMatch(/^livekit\./);
  });

  it('starts the path of a SIP number at the carrier, and shows no password', async () => {
    const page = await open();
    const { body } = await importFromSip(behindSip);
    const { inbound_trunk_id, dispatch_rule_id, outbound_trunk_id } = body.data;
    await numberOf(page, behindSip).getByText('connected', { exact: true }).waitFor();
    expect(await boxesOf(numberOf(page, behindSip))).toEqual([
      ['SIP', 'sip.example.com'],
      ['Inbound trunk', inbound_trunk_id],
      ['Dispatch rule', dispatch_rule_id],
      ['Agent', 'none'],
      ['Outbound trunk', outbound_trunk_id],
    ]);
    expect(await (await fetch(`${service.sandbox.url}/sandbox/overview`)).text()).not.toContain('a-password-of-theirs');
  });

  it('arms a fault at a click, and shows that the failed import leaves nothing', async () => {
    const page = await open();
    const before = await readWorld(service);
    await page.getByLabel('Call', { exact: true }).selectOption('livekit.CreateSIPDispatchRule');
    await page.getByLabel('How often').selectOption('the next 3 times');
    await page.getByRole('button', { name: 'Away' }).click();
    await page.getByText('livekit.CreateSIPDispatchRule: refused with 503, for the next 3 calls').waitFor();

    expect((await importNumber(free)).body.code).toBe('provider_unavailable');
    await page.locator('#calls .fault', { hasText: 'refused with 503' }).first().waitFor();
    await page.locator('#calls', { hasText: 'livekit.DeleteSIPTrunk' }).waitFor();
    await page.getByText(/^Nothing is left over: 2 numbers are connected/).waitFor();
    expect((await boxesOf(numberOf(page, free))).slice(1)).toEqual(nothing);
    expect(await readWorld(service)).toEqual(before);
    await page.getByRole('button', { name: 'Clear all faults' }).click();
  });

  it.each([
    ['Refused', { kind: 'answer', status: 400 }],
    ['Busy', { kind: 'answer', status: 429, retry_after_seconds: 1 }],
    ['Away', { kind: 'answer', status: 503 }],
    ['Silent', { kind: 'hang_before' }],
    ['Dropped', { kind: 'drop_before' }],
    ['Silent after acting', { kind: 'hang_after' }],
    ['Dropped after acting', { kind: 'drop_after' }],
  ])('arms %s, and clears it', async (name, fault) => {
    const page = await open();
    await page.getByLabel('Call', { exact: true }).selectOption('any call');
    await page.getByLabel('How often').selectOption('the next time');
    await page.getByRole('button', { name, exact: true }).click();
    await page.locator('#armed .fault', { hasText: 'any call' }).waitFor();
    expect(service.sandbox.faults.armed()).toEqual([expect.objectContaining({ ...fault, call: '', times: 1 })]);
    await page.getByRole('button', { name: 'Clear all faults' }).click();
    await page.getByText('No fault waits for a call.').waitFor();
    expect(service.sandbox.faults.armed()).toEqual([]);
  });

  it('offers exactly the calls that the stand-ins serve', async () => {
    const page = await open();
    const offered = await page.locator('#call option').evaluateAll((options) => options.map((it: any) => it.value));
    expect(offered.toSorted()).toEqual(['', ...service.sandbox.faults.served].toSorted());
    expect(offered).toEqual(expect.arrayContaining([...new Set(service.sandbox.faults.calls)]));
  });

  it('lists what is left over: a second outbound trunk, and a rule without its trunk', async () => {
    const page = await open();
    const { shelf } = service.sandbox;
    const { outbound, rules } = await readWorld(service);
    await shelf.put('livekit.outbound_trunk', 'ST_second', { ...outbound[0], sipTrunkId: 'ST_second' });
    await shelf.put('livekit.dispatch_rule', 'SDR_alone', {
      ...rules[0],
      sipDispatchRuleId: 'SDR_alone',
      trunkIds: ['ST_gone'],
    });
    await page.locator('#left-over', { hasText: 'SDR_alone' }).waitFor();
    expect(await boxesOf(page.locator('#left-over'))).toEqual([
      ['Dispatch rule', 'SDR_alone'],
      ['Outbound trunk', 'ST_second'],
    ]);
    expect(await page.locator('#verdict').textContent()).toContain(
      '2 of LiveKit’s trunks and rules belong to no number',
    );
    expect(await findingsOf(page)).toEqual([]);
    await shelf.remove('livekit.outbound_trunk', 'ST_second');
    await shelf.remove('livekit.dispatch_rule', 'SDR_alone');
    await page.locator('#left-over').waitFor({ state: 'hidden' });
  });

  it('stops polling while the page is hidden, and polls at once when it is shown again', async () => {
    const page = await open();
    const polls = () => requested.filter((url) => url.endsWith('/overview')).length;
    const show = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await show(true);
    await page.waitForTimeout(500);
    const before = polls();
    await page.waitForTimeout(2_500);
    expect(polls()).toBe(before);
    await show(false);
    await expect.poll(polls).toBeGreaterThan(before + 1);
  });

  describe.each(Object.keys(sizes) as Size[])('on %s', (size) => {
    it.each<Scheme>(['light', 'dark'])(
      'has no serious axe finding in %s colours, and fits the screen',
      async (scheme) => {
        const page = await open(size, scheme);
        await page.getByRole('button', { name: 'Busy' }).click();
        await page.locator('#armed .fault').waitFor();
        expect(await findingsOf(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(sizes[size].width);
        const background: string = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        const [red = 0] = (background.match(/\d+/g) ?? []).map(Number);
        expect(red).toSatisfy((it: number) => (scheme === 'dark' ? it < 40 : it > 200));
        await page.getByRole('button', { name: 'Clear all faults' }).click();
        await page.getByText('No fault waits for a call.').waitFor();
      },
    );
  });

  it('has a strict content security policy, loads nothing from other hosts, and logs no error', async () => {
    const { headers } = await fetch(`${service.sandbox.url}/sandbox`, { headers: { Accept: 'text/html' } });
    expect(headers.get('content-security-policy')?.split(';')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(requested.length).toBeGreaterThan(50);
    expect(requested.filter((url) => !url.startsWith(`${service.sandbox.url}/sandbox`))).toEqual([]);
    expect(complained).toEqual([]);
  });
});
