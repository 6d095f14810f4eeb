import { type Browser, chromium, type Page } from 'playwright-core';
import { executablePath } from './find-chromium.ts';

export const sizes = {
  'a desktop': { width: 1440, height: 900 },
  'a phone': { width: 390, height: 844 },
} as const;
export type Size = keyof typeof sizes;
export type Scheme = 'light' | 'dark';

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] });

/** What pages have requested, and their errors. */
interface Heard {
  requested: string[];
  complained: string[];
}

/** A page in a context of its own, whose requests and errors are recorded. */
export const newPage = async (browser: Browser, size: Size, colorScheme: Scheme, heard: Heard): Promise<Page> => {
  const page = await browser.newPage({ viewport: sizes[size], colorScheme });
  page.on('request', (request) => heard.requested.push(request.url()));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) heard.complained.push(message.text());
  });
  page.on('pageerror', (error) => heard.complained.push(String(error)));
  return page;
};
