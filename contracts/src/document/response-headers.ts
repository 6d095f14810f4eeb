import { z } from 'zod';

const header = (id: string, description: string, example: string, type: z.ZodType = z.string()) =>
  type.meta({ description, example, header: { id } });

const headers = {
  'X-Request-Id': header(
    'X-Request-Id',
    'The id of the request: the one that you sent, or a new one. Every line of the log has it.',
    '7b0c2f0e-6f4e-4c0a-9d55-0f6a2f0f5a11',
  ),
  RateLimit: header(
    'RateLimit',
    'What is left: `r` requests in the next `t` seconds. Absent where the key is not known.',
    '"key";r=49;t=1',
    z.string().optional(),
  ),
  'RateLimit-Policy': header(
    'RateLimit-Policy',
    'What the key may do: `q` requests in `w` seconds. Absent where the key is not known.',
    '"key";q=50;w=1',
    z.string().optional(),
  ),
  Location: header('Location', 'The path of what was created.', '/api/phone-numbers/phon_a1b2c3d4e5f6'),
  ETag: header('ETag', 'The revision, for `If-Match`. No GET answers 304 because of it.', '"3"'),
  'Retry-After': header(
    'Retry-After',
    'Seconds after which the same request may succeed. Absent if that is not known.',
    '5',
    z.string().optional(),
  ),
};

/** The headers of an answer: always the request id and the rate limits, and any others that are named. */
export const headersOf = (more: ('Location' | 'ETag' | 'Retry-After')[]): z.ZodObject => {
  const { 'X-Request-Id': request_id, RateLimit, 'RateLimit-Policy': policy } = headers;
  return z.object({
    'X-Request-Id': request_id,
    RateLimit,
    'RateLimit-Policy': policy,
    ...Object.fromEntries(more.map((name) => [name, headers[name]])),
  });
};
