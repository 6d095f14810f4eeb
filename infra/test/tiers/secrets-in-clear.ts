import type { Resource } from './registration.ts';
import type { Run } from './run-program.ts';
import { SECRET_MARKS } from './stacks.ts';
import { memoized, redacted } from './values.ts';

/** Where a secret can be read by anyone who sees what Pulumi shows, logs, or keeps unencrypted. */
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

/** The secrets that a text holds, as they are or in base64. */
export const marksInText = (text: string): string[] =>
  FORMS.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ mark }) => mark);

/** What base64 makes of a word at each of the three places where it can begin, without the letters that its neighbours share. */
const base64Of = (word: string): string[] =>
  [0, 1, 2].map((before) =>
    Buffer.from(`${'.'.repeat(before)}${word}`)
      .toString('base64')
      .replace(/=+$/, '')
      .slice(before === 0 ? 0 : before + 1, -2),
  );

const FORMS = SECRET_MARKS.map((mark) => ({ mark, forms: [mark, ...base64Of(mark)] }));
