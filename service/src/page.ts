import { type Pagination, Problem } from '@trunkline/contracts';
import { type Model, Types } from 'mongoose';

/** Counting goes no further: beyond it the total is not told. */
const MOST_COUNTED = 10_000;

export interface PageQuery {
  cursor?: string | undefined;
  page_size: number;
}

/** One page of a collection, the newest first. The cursor holds its place while rows come and go. */
export const readPage = async <R>(
  model: Model<R>,
  filter: Record<string, unknown>,
  { cursor, page_size }: PageQuery,
) => {
  const rows: Pages = model;
  const before = cursor === undefined ? {} : { _id: { $lt: readCursor(cursor) } };
  const [found, counted] = await Promise.all([
    rows
      .find({ ...filter, ...before })
      .sort({ _id: -1 })
      .limit(page_size + 1)
      .lean<(R & { _id: Types.ObjectId })[]>(),
    rows.countDocuments(filter, { limit: MOST_COUNTED + 1 }),
  ]);
  const data = found.slice(0, page_size);
  const last = data.at(-1);
  const has_more = found.length > page_size;
  const pagination: Pagination = {
    next_cursor: has_more && last ? writeCursor(last._id) : null,
    has_more,
    page_size,
    total_count: counted > MOST_COUNTED ? null : counted,
  };
  return { data, pagination };
};

const writeCursor = (id: Types.ObjectId): string => Buffer.from(id.toHexString(), 'hex').toString('base64url');

const readCursor = (cursor: string): Types.ObjectId => {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  if (hex.length === 24 && writeCursor(new Types.ObjectId(hex)) === cursor) return new Types.ObjectId(hex);
  const issue = { path: 'cursor', message: 'must be the next_cursor of the page before' };
  throw new Problem('invalid_request', `Mend what is named, and send it again: ${issue.path} ${issue.message}.`, {
    issues: [issue],
  });
};

/** The few functions of a mongoose model that a page needs. */
interface Pages {
  find(filter: Record<string, unknown>): {
    sort(order: Record<string, -1>): { limit(n: number): { lean<T>(): PromiseLike<T> } };
  };
  countDocuments(filter: Record<string, unknown>, options: { limit: number }): PromiseLike<number>;
}
