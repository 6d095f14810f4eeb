import { signalOfCall } from '../provisioning/index.ts';

export const PAGE_SIZE = 1000;
const MAX_PAGES = 50;

/** A page of a list, as Twilio's SDK returns it. */
export interface Page<T> {
  instances: T[];
  nextPageUrl?: string | undefined;
  nextPage(): Promise<Page<T>> | undefined;
}

/**
 * Reads a list page by page. Throws if the list does not end, so that a part is never taken for the whole, and throws
 * the reason if the call is aborted.
 */
export async function* itemsOf<T>(first: () => Promise<Page<T>>): AsyncGenerator<T> {
  const seen = new Set<string>();
  let page: Page<T> | undefined = await first();
  for (let count = 1; page !== undefined; count += 1) {
    yield* page.instances;
    if (!page.nextPageUrl) return;
    if (seen.has(page.nextPageUrl)) throw new Error('The list comes back to a page that was read already');
    if (count === MAX_PAGES) throw new Error(`The list has more than ${MAX_PAGES} pages`);
    seen.add(page.nextPageUrl);
    signalOfCall()?.throwIfAborted();
    page = await page.nextPage();
  }
}
