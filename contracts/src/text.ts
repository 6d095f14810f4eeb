import { z } from 'zod';

/** Control characters, and those that are invisible or turn the direction of text. Every dialect of regular expressions takes it. */
const VISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out
  /^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$/;

/** Invisible too, but beyond 16 bits, where dialects differ: tags, and halves of characters. */
const BEYOND = /^[^\u{e0000}-\u{e007f}\p{Surrogate}]*$/u;

/** A text for people: 1 to `max` characters, none of which hides or changes how the others are read. */
export const text = (max: number) =>
  z
    .string(`must be a text of 1 to ${max} characters`)
    .min(1, `must have 1 to ${max} characters`)
    .max(max, `must have 1 to ${max} characters`)
    .regex(VISIBLE, { error: ({ input }) => mustNotContain(input, VISIBLE) })
    .refine((given) => BEYOND.test(given), { error: ({ input }) => mustNotContain(input, BEYOND) });

const AT_AN_END = /^\s|\s$/u;

/** A name that something else must know by the very same letters: a blank that was copied with it would not be seen. */
export const exactName = (max: number) =>
  text(max).refine((given) => !AT_AN_END.test(given), {
    error: ({ input }) =>
      `must not begin or end with a blank (${codePointOf(AT_AN_END.exec(String(input))?.[0] ?? ' ')})`,
  });

/** Names the first character of the text that does not fit, by its code point: it may be one that nobody sees. */
export const mustNotContain = (given: unknown, pattern: RegExp): string => {
  const found = [...String(given)].find((character) => !pattern.test(character)) ?? '';
  const shown = /^[!-~]$/.test(found) ? ` (${found})` : '';
  return `must not contain the character ${codePointOf(found)}${shown}`;
};

/** Of a character that people may not see, as in U+200B. */
export const codePointOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
