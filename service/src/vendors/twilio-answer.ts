import { z } from 'zod';

/** What Twilio says where it refuses: in its own form, or as RFC 9457 has it. */
export interface TwilioSaid {
  status: number;
  /** Undefined where the body has none, or none that is a number. */
  code: number | undefined;
  message: string | undefined;
  more_info: string | undefined;
}

/** Reads whatever came: the HTTP status alone is sure. */
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
  /** A number, also where it comes as text. */
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
