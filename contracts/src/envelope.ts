import { z } from 'zod';

/** The answer that carries one thing. */
export const one = <T extends z.ZodType>(data: T) => z.strictObject({ success: z.literal(true), data });

/** The answer to an action: the thing as it is now, and a sentence for people. */
export const acted = <T extends z.ZodType>(data: T) =>
  z.strictObject({ success: z.literal(true), message: z.string(), data });

export const Pagination = z
  .strictObject({
    next_cursor: z.string().nullable().meta({ description: 'Give it as `cursor` to read on; null at the end.' }),
    has_more: z.boolean(),
    page_size: z.int(),
    total_count: z.int().nullable().meta({ description: 'Exact to 10,000; null beyond.' }),
  })
  .meta({ id: 'Pagination' });
export type Pagination = z.infer<typeof Pagination>;

/** One page of a list. */
export const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({ success: z.literal(true), data: z.array(item), pagination: Pagination });

/** What every list takes. In a query string numbers come as text, hence the coercion. */
export const pageInput = {
  cursor: z.string().max(200).optional().meta({ description: 'The `next_cursor` of the page before.' }),
  page_size: z.coerce
    .number<number>('must be a whole number from 1 to 100')
    .int('must be a whole number from 1 to 100')
    .min(1, 'must be a whole number from 1 to 100')
    .max(100, 'must be a whole number from 1 to 100')
    .default(20),
};

/** A time as it goes over the wire: ISO 8601 in UTC, to the millisecond. */
export const Timestamp = z.iso.datetime().meta({ example: '2024-01-15T10:30:00.000Z' });
