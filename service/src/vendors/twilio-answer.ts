import { z } from 'zod';

/** An error answer of Twilio, in its own format or that of RFC 9457. */
export interface TwilioSaid {
  status: number;
  /** Undefined if the body has no numeric code. */
  code: number | undefined;
  message: string | undefined;
  more_info: string | undefined;
}

/** Reads any body: only the HTTP status is certain. */
export const readRefusal = (status: number, body: string): TwilioSaid => {
  const { code, message, detail, title, more_info, type } = Refusal.catch({}).parse(parseOrNothing(body));
  const page = [more_info, type].find((url) => url !== undefined && isOfTwilio(url));
  return {
    status,
    code,
    message: message ?? detail ?? title,
    more_info: page ?? (code === undefined ? undefined : `https://www.twilio.com/docs/api/errors/${code}`),
  };
};

const text = z.string().min(1).optional().catch(undefined);

const Refusal = z.object({
  /** A number, which may arrive as text. */
  code: z
    .union([
      z.int().positive(),
      z
        .string()
        .regex(/^[0-9]{1,9}$/)
        .transform(Number),
    ])
    .optional()
    .catch(undefined),
  message: text,
  more_info: text,
  detail: text,
  title: text,
  type: text,
});

const isOfTwilio = (url: string): boolean => /^https:\/\/([a-z0-9-]+\.)*twilio\.com\/[^\s]*$/.test(url);

const parseOrNothing = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
