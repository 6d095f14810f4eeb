import { type Pagination, Problem } from '@trunkline/contracts';
import { Types } from 'mongoose';
import type { Collection } from './collection.ts';

/** Counting goes no further: beyond it the total is not told. */
const MOST_COUNTED = 10_000;

export interface PageQuery {
  cursor?: string | undefined;
  page_size: number;
}

/** One page of a collection, the newest first. The cursor holds its place while rows come and go. */
export const readPage = async <Row extends object>(
  rows: Pick<Collection<Row>, 'newest' | 'count'>,
  filter: Record<string, unknown>,
  { cursor, page_size }: PageQuery,
) => {
  const before = cursor === undefined ? {} : { _id: { $lt: readCursor(cursor) } };
  const [found, counted] = await Promise.all([
    rows.newest({ ...filter, ...before }, page_size + 1),
    rows.count(filter, { limit: MOST_COUNTED + 1 }),
  ]);
  const shown = found.slice(0, page_size);
  const last = shown.at(-1);
  const has_more = found.length > page_size;
  const pagination: Pagination = {
    next_cursor: has_more && last ? writeCursor(last._id) : null,
    has_more,
    page_size,
    total_count: counted > MOST_COUNTED ? null : counted,
  };
  return { data: shown.map(({ row }) => row), pagination };
};

const writeCursor = (id: Types.ObjectId): string => Buffer.from(id.toHexString(), 'hex').toString('base64url');

const readCursor = (cursor: string): Types.ObjectId => {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  if (hex.length === 24 && writeCursor(new Types.ObjectId(hex)) === cursor) return new Types.ObjectId(hex);
  const issue = { path: 'cursor', message: 'must be the next_cursor of the page before' };
  throw new Problem('invalid_request', `Fix these fields and try again: ${issue.path} ${issue.message}.`, {
    issues: [issue],
  });
};
