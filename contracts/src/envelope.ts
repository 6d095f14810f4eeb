import { z } from 'zod';

const Success = z.literal(true).meta({ description: 'True in every answer but a problem, where it is false.' });

/** The name of the schema in generated clients. */
const nameOf = (schema: z.ZodType): string => {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('What an answer carries needs a name: .meta({ id })');
  return id;
};

/** The answer with one resource. */
export const one = <T extends z.ZodType>(data: T) =>
  z.strictObject({ success: Success, data }).meta({ id: `${nameOf(data)}Result` });

/** The answer to an action: the resource as it is now, and a sentence for people. Make it once for each resource. */
export const acted = <T extends z.ZodType>(data: T) =>
  z
    .strictObject({
      success: Success,
      message: z.string().meta({ description: 'What was done, in a sentence for people.' }),
      data,
    })
    .meta({ id: `${nameOf(data)}ActionResult` });

export const Pagination = z
  .strictObject({
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Send it as `cursor` to get the next page. Null on the last page.' }),
    has_more: z.boolean().meta({ description: 'Whether there is another page.' }),
    page_size: z.int().meta({ description: 'How many a page may hold.', example: 20 }),
    total_count: z.int().nullable().meta({
      description: 'How many there are on all pages, if you sent `include_total`. Null beyond 10,000.',
    }),
  })
  .meta({ id: 'Pagination', description: 'Where this page stands in the list.' });
export type Pagination = z.infer<typeof Pagination>;

/** One page of a list. */
export const page = <T extends z.ZodType>(item: T) =>
  z
    .strictObject({
      success: Success,
      data: z.array(item).meta({ description: 'The things on this page.' }),
      pagination: Pagination,
    })
    .meta({ id: `${nameOf(item)}Page` });

/** The input that every list takes. `page_size` is coerced, because a query string has only text. */
export const pageInput = {
  cursor: z.string().max(200).optional().meta({ description: 'The `next_cursor` of the page before.' }),
  page_size: z.coerce
    .number<number>('must be a whole number from 1 to 100')
    .int('must be a whole number from 1 to 100')
    .min(1, 'must be a whole number from 1 to 100')
    .max(100, 'must be a whole number from 1 to 100')
    .default(20)
    .meta({ description: 'How many a page holds at most, 1 to 100.' }),
  include_total: z
    .boolean()
    .default(false)
    .meta({ description: 'Also count what is on all pages, as `total_count`. This takes longer than the page.' }),
};

const Revision = z.int().min(1);
/** The most revisions that a change may name. */
export const MAX_REVISIONS = 50;

/** In answers, for resources that can be changed. */
export const revision = Revision.meta({
  description: 'Raised by each change of the settings. Also the header `ETag`, for `If-Match`.',
  example: 3,
});

/** In the input of every change to such a resource. Over REST, it is the header `If-Match`. */
export const ifRevision = {
  if_revision: z
    .union([Revision, z.array(Revision).max(MAX_REVISIONS)], 'must be a revision, or a list of them')
    .optional()
    .meta({ description: 'Make the change only at this revision, or at one of these.' }),
};

/** A time on the wire: ISO 8601 in UTC, to the millisecond. */
export const Timestamp = z.iso.datetime().meta({
  description: 'A time in ISO 8601 and UTC.',
  example: '2024-01-15T10:30:00.000Z',
});
