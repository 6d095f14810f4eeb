import { type Pagination, Problem } from '@trunkline/contracts';
import { Types } from 'mongoose';
import type { Collection, Index } from './collection.ts';

/** Counting stops here: a higher total is not reported. */
const MOST_COUNTED = 10_000;

export interface PageQuery {
  cursor?: string | undefined;
  page_size: number;
  /** Counting costs more than the page itself, so it is optional. */
  include_total: boolean;
}

type Filter = Record<string, unknown>;

/** What a list shows, and the index that is in its order. Left to choose, MongoDB may scan all rows by `_id`. */
interface List<F extends Filter = Filter> {
  filter: F;
  index: Index['key'];
}
type Rows<Row extends object> = Pick<Collection<Row>, 'newest' | 'find' | 'count'>;

/** One page of a collection, newest first. The cursor keeps its place while rows are added and removed. */
export const readPage = <Row extends object>(rows: Rows<Row>, { filter, index }: List, page: PageQuery) =>
  pageOf<Row>(rows, filter, page, async (limit) => {
    const before = page.cursor === undefined ? {} : { _id: { $lt: readIdCursor(page.cursor) } };
    const found = await rows.newest({ ...filter, ...before }, { limit, index });
    return found.map(({ _id, row }) => ({ row, cursor: writeIdCursor(_id) }));
  });

/** The same in the order of a field, whose text must differ in each of these rows. */
export const readPageBy = <Field extends string, Row extends { [K in Field]: string }>(
  rows: Rows<Row>,
  field: Field,
  { filter, index }: List<Filter & { [K in Field]: Filter }>,
  page: PageQuery,
) =>
  pageOf<Row>(rows, filter, page, async (limit) => {
    const after = page.cursor === undefined ? {} : { $gt: readTextCursor(page.cursor) };
    const found = await rows.find(
      { ...filter, [field]: { ...filter[field], ...after } },
      { sort: { [field]: 1 }, limit, index },
    );
    return found.map((row) => ({ row, cursor: writeTextCursor(row[field]) }));
  });

const pageOf = async <Row extends object>(
  rows: Pick<Rows<Row>, 'count'>,
  filter: Filter,
  { page_size, include_total }: PageQuery,
  read: (limit: number) => Promise<{ row: Row; cursor: string }[]>,
) => {
  const [found, counted] = await Promise.all([
    read(page_size + 1),
    include_total ? rows.count(filter, { limit: MOST_COUNTED + 1 }) : null,
  ]);
  const shown = found.slice(0, page_size);
  const has_more = found.length > page_size;
  const pagination: Pagination = {
    next_cursor: has_more ? (shown.at(-1)?.cursor ?? null) : null,
    has_more,
    page_size,
    total_count: counted !== null && counted <= MOST_COUNTED ? counted : null,
  };
  return { data: shown.map(({ row }) => row), pagination };
};

const writeIdCursor = (id: Types.ObjectId): string => Buffer.from(id.toHexString(), 'hex').toString('base64url');

const readIdCursor = (cursor: string): Types.ObjectId => {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  if (hex.length === 24 && writeIdCursor(new Types.ObjectId(hex)) === cursor) return new Types.ObjectId(hex);
  throw notACursor();
};

/** A cursor for a place given by a text. The dot keeps it apart from the cursors of ids. */
export const writeTextCursor = (text: string): string => `.${Buffer.from(text).toString('base64url')}`;

export const readTextCursor = (cursor: string): string => {
  const text = Buffer.from(cursor.slice(1), 'base64url').toString();
  if (writeTextCursor(text) === cursor) return text;
  throw notACursor();
};

export const notACursor = () => {
  const issue = { path: 'cursor', message: 'must be the next_cursor of the page before, with the same filters' };
  return new Problem('invalid_request', `Fix these fields and try again: ${issue.path} ${issue.message}.`, {
    issues: [issue],
  });
};
