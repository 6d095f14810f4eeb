import { z } from 'zod';

/** The caller's name for a request, so that it takes effect only once. */
export const IdempotencyKey = z
  .string('must be sent once')
  .regex(/^[\x21-\x7e]{1,255}$/, 'must have 1 to 255 printable characters without blanks')
  .meta({
    description:
      'Your own key for this request, such as a UUID. The same request with the same key has its effect only once, and gets the first answer again for 24 hours.',
    example: '5f3b9d1e-8c47-4f0a-9a55-2f9f1c7f6a10',
  });
