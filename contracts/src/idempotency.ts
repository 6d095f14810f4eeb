import { z } from 'zod';

/** What a caller names a request by, so that it has its effect once. */
export const IdempotencyKey = z
  .string('must be sent once')
  .regex(/^[\x21-\x7e]{1,255}$/, 'must have 1 to 255 printable characters without blanks')
  .meta({
    description: 'The first answer is kept for 24 hours, and given again to the same request with the same key.',
  });
