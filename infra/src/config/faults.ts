import { isSecret } from './keys.ts';

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
