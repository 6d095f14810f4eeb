import { launchBrowser, newPage, type Size, sizes } from '../test/browser/open-page.ts';
import { openBench } from './open-bench.ts';
import { report } from './quantile.ts';

const VISITS = 20;

/** Measures the largest contentful paint of `/docs` on a repeat visit, in Chromium. */
export const measurePaint = async (database: (name: string) => string): Promise<void> => {
  const bench = await openBench(database('paint'));
  const browser = await launchBrowser();
  for (const size of Object.keys(sizes) as Size[]) {
    const page = await newPage(browser, size, 'light', { requested: [], complained: [] });
    await page.addInitScript(`
      globalThis.painted = 0;
      new PerformanceObserver((list) => { globalThis.painted = list.getEntries().at(-1).startTime; })
        .observe({ type: 'largest-contentful-paint', buffered: true });
    `);
    const paints: number[] = [];
    for (let visit = 0; visit <= VISITS; visit++) {
      await page.goto(`${bench.url}/docs/`);
      await page.getByRole('heading', { name: 'Quick start' }).waitFor();
      await page.waitForTimeout(500);
      // The first visit fills the browser's cache.
      if (visit > 0) paints.push(await page.evaluate('globalThis.painted || Infinity'));
    }
    // The fastest, because other load on the machine only adds time.
    report(
      `/docs on ${size}: largest paint from cache, the fastest of ${VISITS}`,
      `${Math.min(...paints).toFixed(0)} ms`,
      '< 1000 ms',
    );
  }
  await browser.close();
  await bench.close();
};
