import { EXAMPLES, isSecret } from './keys.ts';

/** What does not fit in the configuration, and the commands of which each mends it. */
export interface Fault {
  /** As in `network.egress`. */
  path: string;
  message: string;
  mend: readonly string[];
}

/** One message that lists every fault of the configuration, and how to mend each. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[];

  constructor(stack: string, faults: readonly Fault[]) {
    super(
      [
        `Invalid configuration of the stack ${stack}. Fix each of these, and run pulumi again:`,
        ...faults.flatMap(({ path, message, mend }) => [
          '',
          `  infra:${path} ${message}`,
          ...mend.map((command) => `    ${command}`),
        ]),
      ].join('\n'),
    );
    this.name = 'ConfigError';
    this.faults = faults;
    // Pulumi prints a stack where there is one; what people mend in their configuration needs none.
    this.stack = '';
  }
}

/** The command that sets a key: nested ones by path, secrets encrypted. */
export const set = (path: string, value: string): string =>
  `pulumi config set ${isSecret(path) ? '--secret ' : ''}${/[.[]/.test(path) ? `--path '${key(path)}'` : key(path)} ${value}`;

export const remove = (path: string): string =>
  `pulumi config rm ${/[.[]/.test(path) ? `--path '${key(path)}'` : key(path)}`;

const key = (path: string) => `infra:${path}`;

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
  (path === 'hostedZoneId' && value === EXAMPLES.hostedZoneId) || PLACEHOLDER.test(value) || NOBODYS.test(value);

/** The accounts of AWS's documentation, alone, in an ARN or in the name of an image; and the ids of our examples. */
const NOBODYS =
  /^(arn:aws:[\w-]+:[\w-]*:)?(123456789012|111122223333|444455556666)(?![0-9])|^(vpc|subnet|sg)-0123456789abcdef[0-9a-f]$/;

/** RFC 2606's names, the examples' LiveKit project, `<what belongs here>`, and a command that no shell has run. */
const PLACEHOLDER =
  /(^|[.@/])example\.(com|net|org)(?![\w.-])|(^|[./])example\.(sip\.)?livekit\.cloud|<[\w -]+>|^"?(2026a:|tl_live_)?\$\(/;

const leavesOf = (value: unknown, path = ''): { path: string; value: string }[] => {
  if (typeof value === 'string') return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, at) => leavesOf(item, `${path}[${at}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, path === '' ? key : `${path}.${key}`));
};
