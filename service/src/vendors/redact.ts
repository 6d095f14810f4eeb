/** Removes secrets from a text, however a vendor may quote them: escaped, encoded, or in another case. */
export const redact = (text: string, secrets: readonly (string | null | undefined)[]): string => {
  const spellings = new Set(secrets.flatMap((secret) => (secret ? spellingsOf(secret) : [])));
  if (spellings.size === 0) return text;
  // Longest first: one secret may be the start of another.
  const alternatives = [...spellings].toSorted((a, b) => b.length - a.length).map((it) => RegExp.escape(it));
  return text.replaceAll(new RegExp(alternatives.join('|'), 'giu'), '[secret]');
};

type Spell = (text: string) => string[];

const json = (text: string) => JSON.stringify(text).slice(1, -1);
const replaceBy = (pattern: RegExp, spelled: (letter: string) => string) => (text: string) =>
  text.replaceAll(pattern, spelled);
const unicode = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
const percent = (letter: string) =>
  [...Buffer.from(letter)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** None of them changes letters and digits. */
const escapes: ((text: string) => string)[] = [
  json,
  (text) => json(text).replaceAll('/', '\\/'),
  // JSON as Go writes it, and then as encoders write it that use only ASCII.
  (text) => replaceBy(/[<>&\u2028\u2029]/g, unicode)(json(text)),
  (text) => replaceBy(/[^ -~]/g, unicode)(json(text)),
  replaceBy(/["'<>&+\\/]|[^ -~]/g, unicode),
  replaceBy(/[^A-Za-z0-9\-_.!~*'()]/gu, percent),
  replaceBy(/[^A-Za-z0-9\-_.~]/gu, percent),
  replaceBy(/[^A-Za-z0-9\-_.*]/gu, (letter) => (letter === ' ' ? '+' : percent(letter))),
  replaceBy(/[^A-Za-z0-9]/gu, percent),
  replaceBy(/[&<>"']/g, (letter) => entities[letter] ?? letter),
];

/** Three letters of base64 or fewer would match almost any text. */
const FEWEST_LETTERS = 4;

/** The base64 letters that only this text determines, if it begins after none, one or two bytes of a group of three. */
const base64: Spell = (text) =>
  [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const [first, end] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    const letters = (['base64', 'base64url'] as const).map((kind) => bytes.toString(kind).slice(first, end));
    return letters.filter(({ length }) => length >= FEWEST_LETTERS);
  });

const hex: Spell = (text) => [Buffer.from(text).toString('hex')];

const once: Spell = (text) => [text, ...escapes.map((spelled) => spelled(text)), ...base64(text), ...hex(text)];

const spellingsOf: Spell = (secret) =>
  [...new Set([secret, secret.toUpperCase(), secret.toLowerCase()].flatMap(once))].flatMap(once);
