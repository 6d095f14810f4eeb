import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawNumber, type OpenedService, openService } from '../open-service.ts';

const exists = (path: string): boolean => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
};

/** The browser at CHROMIUM_PATH, else the first that is on the PATH. */
const findChromium = (): string | undefined => {
  const named = process.env.CHROMIUM_PATH;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
    .find(exists);
};

const executablePath = findChromium();
if (!executablePath) {
  const missing = 'No browser: install Chromium (Debian: apt-get install chromium), or set CHROMIUM_PATH.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
}

describe.skipIf(!executablePath)('/docs', () => {
  let service: OpenedService;
  let browser: Browser;
  let page: Page;
  const requested: string[] = [];
  const complained: string[] = [];

  beforeAll(async () => {
    service = await openService();
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complained.push(message.text());
    });
    page.on('pageerror', (error) => complained.push(String(error)));
    await page.goto(`${service.url}/docs`);
    await page.getByText('Import a phone number').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it('shows every operation', async () => {
    for (const summary of [
      'List phone numbers',
      'Assign a phone number to an agent',
      'Integrate a Twilio account',
      'Revoke an API key',
      'Who am I',
    ]) {
      expect(await page.getByText(summary, { exact: true }).count()).toBe(1);
    }
  });

  it('sends the import with the key that a person enters, and shows what came of it', async () => {
    const phone_number = drawNumber();
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    for (const [label, value] of [
      ['api_key', service.admin.api_key],
      ['organization', service.admin.organization_id],
    ] as const) {
      const form = page.locator('.auth-container', { has: page.locator('code', { hasText: label }) });
      await form.locator('input').fill(value);
      await form.getByRole('button', { name: 'Apply credentials' }).click();
    }
    await page.getByRole('button', { name: 'Close' }).first().click();

    const operation = page.locator('.opblock', { hasText: 'Import a phone number' });
    await operation.locator('.opblock-summary-control').click();
    const body = {
      phone_number,
      provider: 'sip',
      supports_inbound: true,
      supports_outbound: true,
      sip_server_address: 'sip.example.com',
    };
    await operation.locator('textarea.body-param__text').fill(JSON.stringify(body));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const response = operation.locator('.live-responses-table');
    await response.getByText('Phone number imported successfully with sip').first().waitFor();
    expect(await response.locator('tbody .response-col_status').first().textContent()).toContain('201');
    expect((await service.admin.client.phoneNumbers.list.query({ phone_number })).data).toHaveLength(1);
  });

  it('asks nothing of anybody else, and has no complaint in its console', () => {
    expect(requested.filter((url) => !url.startsWith(service.url) && !url.startsWith('data:'))).toEqual([]);
    expect(complained).toEqual([]);
  });

  it('comes under a strict policy', async () => {
    const { headers } = await fetch(`${service.url}/docs/`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe-(inline|eval)|https?:/);
  });
});
