import { EXAMPLES, isSecret } from './keys.ts';

/** One fault of the configuration, with alternative commands: each of them fixes it. */
export interface Fault {
  /** For example `network.egress`. */
  path: string;
  message: string;
  mend: readonly string[];
}

/** Lists every fault of the configuration, and how to fix each. */
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
    // Pulumi would print the stack trace, which does not help to fix a configuration.
    this.stack = '';
  }
}

/** The command that sets a key: by path if it is nested, encrypted if it is a secret. */
export const set = (path: string, value: string): string =>
  `pulumi config set ${isSecret(path) ? '--secret ' : ''}${/[.[]/.test(path) ? `--path '${key(path)}'` : key(path)} ${value}`;

export const remove = (path: string): string =>
  `pulumi config rm ${/[.[]/.test(path) ? `--path '${key(path)}'` : key(path)}`;

const key = (path: string) => `infra:${path}`;

/** Finds example values that were not replaced, at any depth. Tag values may be anything. */
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

/** Account ids from AWS's documentation (alone, in an ARN or in an image name), and the ids of our examples. */
const NOBODYS =
  /^(arn:aws:[\w-]+:[\w-]*:)?(123456789012|111122223333|444455556666)(?![0-9])|^(vpc|subnet|sg)-0123456789abcdef[0-9a-f]$/;

/** RFC 2606's names, the examples' LiveKit project, `<placeholders>`, and a `$(…)` that no shell has run. */
const PLACEHOLDER =
  /(^|[.@/])example\.(com|net|org)(?![\w.-])|(^|[./])example\.(sip\.)?livekit\.cloud|<[\w -]+>|^"?(2026a:|tl_live_)?\$\(/;

const leavesOf = (value: unknown, path = ''): { path: string; value: string }[] => {
  if (typeof value === 'string') return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, at) => leavesOf(item, `${path}[${at}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, path === '' ? key : `${path}.${key}`));
};
