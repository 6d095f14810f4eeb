import { z } from 'zod';

/** Spelt so that every dialect of regular expressions takes it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out
const PRINTABLE = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** A text for people: 1 to `max` characters, no control characters. */
export const text = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .min(1, `must have 1 to ${max} characters`)
    .max(max, `must have 1 to ${max} characters`)
    .regex(PRINTABLE, 'must not contain control characters');
