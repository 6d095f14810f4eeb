/** Takes secrets out of a text, in whatever spelling a vendor may quote them: escaped, encoded, or in other letters. */
export const redact = (text: string, secrets: readonly (string | null | undefined)[]): string => {
  const spellings = new Set(secrets.flatMap((secret) => (secret ? spellingsOf(secret) : [])));
  if (spellings.size === 0) return text;
  // The longest first: the start of one may be another whole.
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

/** In each, a text of letters and digits is spelled as it is. */
const escapes: ((text: string) => string)[] = [
  json,
  (text) => json(text).replaceAll('/', '\\/'),
  // As Go writes JSON, and as others do that keep to ASCII.
  (text) => replaceBy(/[<>&\u2028\u2029]/g, unicode)(json(text)),
  (text) => replaceBy(/[^ -~]/g, unicode)(json(text)),
  replaceBy(/["'<>&+\\/]|[^ -~]/g, unicode),
  replaceBy(/[^A-Za-z0-9\-_.!~*'()]/gu, percent),
  replaceBy(/[^A-Za-z0-9\-_.~]/gu, percent),
  replaceBy(/[^A-Za-z0-9\-_.*]/gu, (letter) => (letter === ' ' ? '+' : percent(letter))),
  replaceBy(/[^A-Za-z0-9]/gu, percent),
  replaceBy(/[&<>"']/g, (letter) => entities[letter] ?? letter),
];

/** What three letters of base64 and fewer stand for could be anything. */
const FEWEST_LETTERS = 4;

/** The letters that stand for the whole of the text, wherever in what was encoded it begins: after none, one or two bytes of three. */
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
