import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { type Ended, run } from '../command.ts';
import { INFRA } from '../project.ts';
import type { Stack } from '../stacks.ts';
import type { Act, Order } from './provider.ts';

export interface Engine {
  /** Runs `pulumi` in the project, on the stack of the last `init`. */
  pulumi(...args: string[]): Promise<Ended>;
  /** Runs a shell script in the project, or another folder of its home, with stand-ins for all tools but Pulumi. */
  type(script: string, folder?: string): Promise<Ended>;
  /** Calls of the stand-ins since the last call of this function, each argument in brackets. */
  asked(): Promise<string[]>;
  /** Creates the stack with its configuration, secrets encrypted. */
  init(stack: Stack): Promise<void>;
  /** What the provider did since the last call of this function, such as `create aws:ecs/service:Service trunkline`. */
  acts(): string[];
  /** Every resource that exists: created, and not deleted by Pulumi or a command. Several may have had one URN. */
  left(): Left[];
  order(order: Order): void;
  /** All files of the state, its history and backups. */
  stateFiles(): Promise<{ path: string; text: string }[]>;
  close(): Promise<void>;
}

interface Left {
  urn: string;
  id: string;
}

/** Pulumi's own command line, with a separate project folder and state, and the stand-in provider attached. */
export const openEngine = async (folder: string, { account, region }: Stack): Promise<Engine> => {
  const home = await mkdtemp(join(tmpdir(), 'trunkline-engine-'));
  const project = join(home, 'project');
  const state = join(home, 'state');
  await layOutProject(project, state);
  const { provider, port, close: closeProvider } = await startProvider({ account, region });
  const acts: string[] = [];
  let left: Left[] = [];
  const forget = (isGone: (one: Left) => boolean) => {
    // All revisions of a task definition share an id: each delete removes one.
    const at = left.findIndex(isGone);
    if (at >= 0) left.splice(at, 1);
  };
  provider.on('message', ({ act, urn, id = '' }: Act) => {
    const [, , types = '', name] = urn.split('::');
    acts.push(`${act} ${types.split('$').at(-1)} ${name}`);
    if (act === 'create') left.push({ urn, id });
    if (act !== 'delete') return;
    forget((one) => one.urn === urn && one.id === id);
    // A secret's versions are deleted with it.
    left = left.filter((one) => !one.id.startsWith(`${id}|`));
  });
  const tools = await makeTools(home);
  const env = {
    PATH: [tools, folder, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: home,
    PULUMI_HOME: join(home, 'pulumi'),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: 'a passphrase of the tests',
    PULUMI_STACK_FILE: 's3://acme-state/stack.yaml',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DEBUG_PROVIDERS: `aws:${port}`,
    NO_COLOR: '1',
  };
  const pulumi = (...args: string[]) =>
    run(join(folder, 'pulumi'), ['--non-interactive', ...args], { cwd: project, env });

  const calls = join(tools, 'asked');
  const type: Engine['type'] = async (script, folder = 'project') => {
    const before = await readFile(calls, 'utf8').catch(() => '');
    const ended = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: join(home, folder), env });
    const made = (await readFile(calls, 'utf8').catch(() => '')).slice(before.length);
    for (const [, id] of made.matchAll(DELETES)) {
      provider.send({ deleted: id });
      forget((one) => one.id === id);
    }
    for (const [, service = '', , count] of made.matchAll(UPDATES))
      provider.send({ updated: { service, ...(count !== undefined && { desiredCount: Number(count) }) } });
    return ended;
  };
  const asked: Engine['asked'] = async () => {
    const lines = await readFile(calls, 'utf8').catch(() => '');
    await rm(calls, { force: true });
    return lines.split('\n').filter(Boolean);
  };

  const init: Engine['init'] = async (stack) => {
    await writeFile(join(project, `Pulumi.${stack.name}.yaml`), stackFileOf(stack.config));
    for (const args of [
      ['stack', 'init', stack.name],
      [
        'config',
        'set-all',
        ...Object.entries(stack.secrets).flatMap(([key, value]) => ['--secret', `${key}=${value}`]),
      ],
    ]) {
      const { exit, printed } = await pulumi(...args);
      if (exit !== 0) throw new Error(printed);
    }
  };

  return {
    pulumi,
    type,
    asked,
    init,
    acts: () => acts.splice(0),
    left: () => [...left],
    order: (order) => provider.send(order),
    stateFiles: async () => {
      const entries = await readdir(state, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })));
    },
    close: async () => {
      await closeProvider();
      await rm(home, { recursive: true, force: true });
    },
  };
};

/** Matches a command that deletes a resource, and captures the id. */
const DELETES = /^aws .*\[(?:delete|schedule-key)-.*?\[--(?:[a-z-]+-identifier|log-group-name|key-id)] \[([^\]]+)]/gm;

/** A command that changes a service: its name, and its new number of tasks. */
const UPDATES = /^aws \[ecs] \[update-service].* \[--service] \[([^\]]+)]( \[--desired-count] \[(\d+)])?/gm;

/** Starts the stand-in for the AWS provider in its own process. */
export const startProvider = async ({ account, region }: Pick<Stack, 'account' | 'region'>) => {
  const provider = fork(join(import.meta.dirname, 'provider.ts'), [account, region], { silent: true });
  const close = async () => {
    const gone = once(provider, 'exit');
    provider.kill();
    await gone;
  };
  return { provider, port: await portOf(provider), close };
};

/** What the tools in a runbook, such as `aws`, `docker` and `curl`, print. */
const ANSWERS: Record<string, string> = {
  aws: [
    'case "$*" in',
    `  *describe-images*) echo sha256:${'1'.repeat(64)};;`,
    '  *describe-load-balancers*) echo arn:aws:elasticloadbalancing:eu-central-1:210987654321:loadbalancer/app/trunkline/1;;',
    // Instance names have the same suffix as their cluster.
    `  *describe-db-instances*) of=$(echo "$*" | sed -E 's/.*Values=[^ ]*-([0-9]+) .*/\\1/')`,
    `    named=$(echo "$*" | sed -nE "s/.*starts_with\\(DBInstanceIdentifier,'([^']*)'\\).*/\\1/p")`,
    '    [ -n "$named" ] || named="trunkline-database-0- trunkline-database-1-"',
    '    for one in $named; do echo "$one$of"; done;;',
    'esac',
  ].join('\n'),
  docker: 'if [ "$1" = login ]; then cat >/dev/null; fi',
  // The clone's infra/ is a link to the project.
  git: `case "$1" in clone) mkdir trunkline && ln -s ../project trunkline/infra;; rev-parse) echo ${'a'.repeat(40)};; esac`,
  npx: 'true',
  curl: `case "$*" in */api/me) echo '{"organization_id":"org_1","role":"admin","key_id":"key_1"}';; esac`,
};

const makeTools = async (home: string): Promise<string> => {
  const tools = join(home, 'tools');
  await mkdir(tools);
  for (const [tool, answer] of Object.entries(ANSWERS)) {
    const script = `#!/bin/sh\n{ printf '${tool}'; printf ' [%s]' "$@"; echo; } >>'${tools}/asked'\n${answer}\n`;
    await writeFile(join(tools, tool), script, { mode: 0o755 });
  }
  return tools;
};

/** Writes a configuration as a stack's file: YAML in place of Pulumi's JSON strings. */
export const stackFileOf = (config: Stack['config']): string =>
  stringify({
    config: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, /^[[{]/.test(value) ? JSON.parse(value) : value]),
    ),
  });

/** Links the project without its stack files, so that what `pulumi` writes there stays in the temporary folder. */
const layOutProject = async (project: string, state: string) => {
  await Promise.all([project, state].map((path) => mkdir(path)));
  for (const entry of [
    'Pulumi.yaml',
    'Pulumi.dev.example.yaml',
    'index.ts',
    'node_modules',
    'package.json',
    'policies',
    'src',
  ]) {
    await symlink(join(INFRA, entry), join(project, entry));
  }
};

/** The provider prints its port once it listens. */
const portOf = async ({ stdout, stderr }: ChildProcess): Promise<string> => {
  if (!stdout || !stderr) throw new Error('the provider has no standard output');
  stderr.pipe(process.stderr);
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('the provider ended before it listened');
};
