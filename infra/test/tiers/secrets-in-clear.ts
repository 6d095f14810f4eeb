import type { Resource } from './registration.ts';
import type { Run } from './run-program.ts';
import { SECRET_MARKS } from './stacks.ts';
import { memoized, redacted } from './values.ts';

/** Every place where a secret is readable in what Pulumi shows, logs or stores unencrypted. */
export const secretsInClear = ({ resources, outputs, log, printed }: Run): string[] => [
  ...resources.flatMap(shown),
  ...marksIn(outputs).map((mark) => `outputs: ${mark}`),
  ...marksIn([log, printed]).map((mark) => `log: ${mark}`),
];

const shown = memoized(({ urn, inputs, outputs }: Resource) => [
  ...marksIn(inputs).map((mark) => `${urn} inputs: ${mark}`),
  ...marksIn(outputs).map((mark) => `${urn} outputs: ${mark}`),
]);

const marksIn = (value: unknown): string[] => marksInText(JSON.stringify(redacted(value)));

/** The secrets in a text, in clear text or base64. */
export const marksInText = (text: string): string[] =>
  FORMS.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ mark }) => mark);

/** A word in base64 at each of the three possible offsets, without the characters that depend on its neighbours. */
const base64Of = (word: string): string[] =>
  [0, 1, 2].map((before) =>
    Buffer.from(`${'.'.repeat(before)}${word}`)
      .toString('base64')
      .replace(/=+$/, '')
      .slice(before === 0 ? 0 : before + 1, -2),
  );

const FORMS = SECRET_MARKS.map((mark) => ({ mark, forms: [mark, ...base64Of(mark)] }));
