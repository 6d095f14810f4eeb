import { setTimeout as wait } from 'node:timers/promises';
import { operations, problemCodes } from '@trunkline/contracts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type OpenedService, openService } from '../open-service.ts';
import { findingsOf } from './axe.ts';
import { executablePath } from './find-chromium.ts';
import { launchBrowser, newPage, type Scheme, type Size, sizes } from './open-page.ts';

describe.skipIf(!executablePath)('/docs', () => {
  let service: OpenedService;
  let browser: Browser;
  const requested: string[] = [];
  const complained: string[] = [];

  beforeAll(async () => {
    // With the default limit: a first visit requests dozens of files at once.
    service = await openService({ environment: { ANONYMOUS_RATE_LIMIT_RPS: '20' } });
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
    await page.goto(`${service.url}/docs`);
    await page.getByRole('heading', { name: 'Quick start' }).waitFor();
    return page;
  };

  /** Scrolls to the end, because content is rendered only when it comes into view. */
  const openWhole = async (size: Size, scheme: Scheme = 'light'): Promise<Page> => {
    const page = await open(size, scheme);
    for (const { summary } of operations.values()) {
      const heading = page.getByRole('heading', { name: summary, exact: true });
      while ((await heading.count()) === 0) await page.mouse.wheel(0, 400);
      await heading.scrollIntoViewIfNeeded();
    }
    return page;
  };

  const sectionOf = (page: Page, summary: string) =>
    page.locator('section.section', { has: page.getByRole('heading', { name: summary, exact: true, level: 3 }) });

  describe.each(Object.keys(sizes) as Size[])('on %s', (size) => {
    it('shows every operation, each in less than 1,800 pixels', async () => {
      const page = await openWhole(size);
      for (const { summary } of operations.values()) {
        const box = await sectionOf(page, summary).boundingBox();
        expect(box?.height, summary).toBeGreaterThan(300);
        expect(box?.height, summary).toBeLessThanOrEqual(1_800);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(sizes[size].width);
    });

    it('also shows a SIP number, with its many fields, in less than that', async () => {
      const page = await openWhole(size);
      const section = sectionOf(page, 'Import a phone number');
      await section.getByRole('button', { name: /One of/ }).click();
      await page.getByRole('option', { name: 'ImportFromSip' }).click();
      await section.getByText('sip_server_address', { exact: true }).first().waitFor();
      expect((await section.boundingBox())?.height).toBeLessThanOrEqual(1_800);
    });

    it('fetches only the page itself for a returning visitor', async () => {
      const page = await open(size);
      await page.goto(`${service.url}/docs/`);
      await page.getByRole('heading', { name: 'Quick start' }).waitFor();
      // A file from the browser's cache has a transfer size of 0.
      const fetched: string[] = await page.evaluate(
        "performance.getEntriesByType('resource').filter((it) => it.transferSize > 0).map((it) => it.name)",
      );
      expect(fetched).toEqual([]);
    });

    it.each<Scheme>(['light', 'dark'])('has no serious axe finding in %s colours', async (scheme) => {
      const page = await openWhole(size, scheme);
      expect(await findingsOf(page)).toEqual([]);

      const section = sectionOf(page, 'Assign a phone number to an agent');
      await section.getByRole('button', { name: 'Test Request' }).click();
      await page.getByRole('dialog').getByText('"receptionist"').waitFor();
      await wait(500);
      expect(await findingsOf(page, '[role=dialog]')).toEqual([]);
    });
  });

  it('has one quick start, and one table with every problem', async () => {
    const page = await openWhole('a desktop');
    await page.getByText('export API_KEY=').waitFor();
    const table = page.getByRole('table').filter({ hasText: 'rate_limited' });
    expect(await table.count()).toBe(1);
    expect((await table.getByRole('row').allTextContents()).slice(1).map((row) => /[a-z_]+/.exec(row)?.[0])).toEqual(
      expect.arrayContaining(problemCodes),
    );
    expect((await table.boundingBox())?.height).toBeLessThan(1_400);
    for (const code of ['rate_limited', 'unauthenticated', 'internal', 'body_too_large', 'provider_timeout']) {
      expect(await page.getByText(code, { exact: true }).count(), code).toBe(1);
    }
  });

  it('sends every request with the key and organization entered once, and forgets them', async () => {
    const page = await open();
    const [key, organization] = await page.locator('.scalar-reference-intro-auth').getByLabel('Value').all();
    await key?.fill(service.admin.api_key);
    await organization?.fill(service.admin.organization_id);

    const send = async (summary: string) => {
      const heading = page.getByRole('heading', { name: summary, exact: true, level: 3 });
      while ((await heading.count()) === 0) await page.mouse.wheel(0, 400);
      await sectionOf(page, summary).getByRole('button', { name: 'Test Request' }).click();
      const dialog = page.getByRole('dialog');
      const [response] = await Promise.all([
        page.waitForResponse((answered) => answered.url().includes('/api/')),
        dialog.getByRole('button', { name: /^Send \w+ request to/ }).click(),
      ]);
      await dialog.getByText(String(response.status())).first().waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      return { status: response.status(), body: await response.json() };
    };

    expect(await send('Create an API key')).toMatchObject({ status: 201, body: { data: { key: { role: 'user' } } } });
    expect(await send('List API keys')).toMatchObject({ status: 200, body: { data: [{}, {}] } });
    expect(await send('Who am I')).toMatchObject({
      status: 200,
      body: { data: { organization_id: service.admin.organization_id } },
    });

    const kept = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })');
    expect(kept).not.toContain(service.admin.api_key);
    await page.reload();
    expect(await page.locator('.scalar-reference-intro-auth').getByLabel('Value').first().inputValue()).toBe('');
  });

  it('is dark for visitors who prefer it, and turns light at a click', async () => {
    const page = await open('a desktop', 'dark');
    const brightness = async () => {
      const color: string = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map(Number);
      return (red + green + blue) / 3;
    };
    expect(await brightness()).toBeLessThan(40);
    await page.getByRole('button', { name: /light mode/i }).click();
    await expect.poll(brightness).toBeGreaterThan(240);
  });

  it('loads nothing from other hosts, and logs no error', () => {
    expect(requested.length).toBeGreaterThan(50);
    expect(requested.filter((url) => !url.startsWith(service.url) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(complained).toEqual([]);
  });

  it('has a strict content security policy', async () => {
    const { headers } = await fetch(`${service.url}/docs/`);
    const directives = (headers.get('content-security-policy') ?? '').split(';');
    expect(directives).toContain("default-src 'none'");
    expect(directives).toContain("script-src 'self'");
    expect(directives).toContainEqual(expect.stringMatching(/^style-src-elem 'self' 'nonce-[\w-]{22}'$/));
    // Scalar writes style attributes, which a nonce cannot allow.
    expect(directives.filter((directive) => directive.includes('unsafe'))).toEqual(["style-src-attr 'unsafe-inline'"]);
    const again = await fetch(`${service.url}/docs/`);
    expect(again.headers.get('content-security-policy')).not.toBe(headers.get('content-security-policy'));
    expect(headers.get('content-security-policy')).not.toMatch(/https?:|\*/);
  });
});
