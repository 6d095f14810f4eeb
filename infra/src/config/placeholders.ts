import { type Fault, set } from './faults.ts';
import { EXAMPLES } from './keys.ts';

/** Whatever of the examples is still there where the reader's own value belongs, at any depth. Values of tags are free. */
export const placeholdersIn = (given: Record<string, unknown>): Fault[] =>
  leavesOf(given)
    .filter(({ path, value }) => !path.startsWith('tags.') && isPlaceholder(path, value))
    .map(({ path }) => ({
      path,
      message: 'still has the value of the example. Put in your own.',
      mend: [set(path, '<your own>')],
    }));

const isPlaceholder = (path: string, value: string): boolean =>
  ALWAYS_YOURS.some((key) => key === path && EXAMPLES[key] === value) || PLACEHOLDER.test(value);

const ALWAYS_YOURS = ['accountId', 'hostedZoneId'] as const;

/** RFC 2606's names, the examples' LiveKit project, `<what belongs here>`, and a command that no shell has run. */
const PLACEHOLDER =
  /(^|[.@/])example\.(com|net|org)(?![\w.-])|(^|[./])example\.(sip\.)?livekit\.cloud|<[\w -]+>|^"?(2026a:|tl_live_)?\$\(/;

const leavesOf = (value: unknown, path = ''): { path: string; value: string }[] => {
  if (typeof value === 'string') return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, at) => leavesOf(item, `${path}[${at}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, path === '' ? key : `${path}.${key}`));
};
