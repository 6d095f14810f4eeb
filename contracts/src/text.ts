import { z } from 'zod';

/** A text for people: 1 to `max` characters, no control characters. */
export const text = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .min(1, `must have 1 to ${max} characters`)
    .max(max, `must have 1 to ${max} characters`)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');
