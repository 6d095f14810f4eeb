import { z } from 'zod';

/** No control or invisible characters, and none that turn the direction of text. For every dialect of regular expressions. */
const VISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out
  /^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$/;

/** No invisible characters beyond 16 bits, where dialects differ: tags, and lone surrogates. */
const BEYOND = /^[^\u{e0000}-\u{e007f}\p{Surrogate}]*$/u;

/** A text for people: 1 to `max` characters, none invisible and none that changes how the others are read. */
export const text = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .min(1, `must have 1 to ${max} characters`)
    .max(max, `must have 1 to ${max} characters`)
    .regex(VISIBLE, { error: ({ input }) => mustNotContain(input, VISIBLE) })
    .refine((given) => BEYOND.test(given), { error: ({ input }) => mustNotContain(input, BEYOND) });

const AT_AN_END = /^\s|\s$/u;

/** A name that must match exactly elsewhere. A blank at an end is refused, since nobody would see it. */
export const exactName = (max: number) =>
  text(max).refine((given) => !AT_AN_END.test(given), {
    error: ({ input }) =>
      `must not begin or end with a blank (${codePointOf(AT_AN_END.exec(String(input))?.[0] ?? ' ')})`,
  });

/** Names the first character that does not fit by its code point, because it may be invisible. */
export const mustNotContain = (given: unknown, pattern: RegExp): string => {
  const found = [...String(given)].find((character) => !pattern.test(character)) ?? '';
  const shown = /^[!-~]$/.test(found) ? ` (${found})` : '';
  return `must not contain the character ${codePointOf(found)}${shown}`;
};

/** A character's code point, as in U+200B. */
export const codePointOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
