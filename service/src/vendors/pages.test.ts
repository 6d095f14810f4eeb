import { expect, it } from 'vitest';
import { itemsOf, type Page } from './pages.ts';

const read = async (first: () => Promise<Page<number>>): Promise<number[]> => {
  const items: number[] = [];
  for await (const item of itemsOf(first)) items.push(item);
  return items;
};

/** A list of `count` pages, each with its number. */
const pages = (count: number, number = 1): Page<number> => ({
  instances: [number],
  ...(number < count && { nextPageUrl: `https://example.com/?Page=${number}` }),
  nextPage: async () => pages(count, number + 1),
});

it('reads every page of a list, up to 50 of them', async () => {
  expect(await read(async () => pages(50))).toHaveLength(50);
});

it('throws for a list of more than 50 pages, rather than return a part of it', async () => {
  await expect(read(async () => pages(51))).rejects.toThrow('more than 50 pages');
});

it('stops at a page that links to itself, after one request for it', async () => {
  let asked = 0;
  const same: Page<number> = {
    instances: [1],
    nextPageUrl: 'https://example.com/?Page=1',
    nextPage: async () => {
      asked += 1;
      return same;
    },
  };
  await expect(read(async () => same)).rejects.toThrow('comes back to a page');
  expect(asked).toBe(1);
});
