import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Quotas } from '../database/quota.ts';
import { contradictionsIn, hostToListenAt } from './contradictions.ts';
import { fieldOf, type Setting, type SettingValues, settings } from './settings.ts';

export { madeFor } from './contradictions.ts';

export interface LiveKitSettings {
  url: string;
  api_key: string;
  api_secret: string;
  /** Where carriers send calls. */
  sip_host: string;
}

/** Every setting under its name in lower case, with times in milliseconds, and values derived from them. */
export interface Config extends Omit<SettingValues, 'node_env' | `livekit_${string}`> {
  production: boolean;
  host: string;
  /** Absent: the sandbox is used. */
  livekit?: LiveKitSettings;
  /** Names the LiveKit project, so that a database is never used with another. */
  livekit_project: string;
  quotas: Quotas;
  /** The folder of downloaded mongod binaries. */
  cache_dir: string;
  search_path: string;
}

/** One message that lists every wrong setting, and how to fix it. */
export class ConfigError extends Error {
  constructor(faults: readonly string[]) {
    super(
      `Invalid configuration. Fix these environment variables and restart:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

const entries: [string, Setting][] = Object.entries(settings);
export const settingNames = Object.keys(settings);

const Environment = z.object(
  Object.fromEntries(
    entries.map(([name, setting]) => [
      name,
      setting.default === undefined ? setting.type.optional() : setting.type.prefault(setting.default),
    ]),
  ),
);

/** Reads the settings from the environment. Throws `ConfigError` with all faults at once. */
export const readConfig = (environment: Record<string, string | undefined>): Config => {
  // A value that was read from a file often ends in a line break.
  const given = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value = '']): [string, string][] =>
      value.trim() === '' ? [] : [[name, value.trim()]],
    ),
  );
  const parsed = Environment.safeParse(given);
  const wrong = parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}${exampleOf(path[0])}`);
  const faults = [...(wrong ?? []), ...missingIn(given)];
  if (!parsed.success) throw new ConfigError(faults);

  const named = Object.entries(parsed.data).map(([name, value]) => [fieldOf(name), value]);
  // Both the schema and this type are derived from `settings`.
  const values = Object.fromEntries(named) as SettingValues;
  faults.push(...contradictionsIn(values));
  if (faults.length > 0) throw new ConfigError(faults);
  return configOf(values, environment);
};

const exampleOf = (name: unknown): string => {
  const example = entries.find(([known]) => known === name)?.[1].example;
  return example === undefined ? '' : `, as in ${example}`;
};

const liveKitNames = settingNames.filter((name) => name.startsWith('LIVEKIT_'));

const missingIn = (given: Record<string, unknown>): string[] => {
  const isMissing = (name: string) => given[name] === undefined;
  if (given.NODE_ENV === 'production') {
    return entries
      .filter(([name, { required_in_production }]) => required_in_production && isMissing(name))
      .map(([name, { description }]) => `${name} is required in production. ${description}${exampleOf(name)}`);
  }
  return liveKitNames.every(isMissing)
    ? []
    : liveKitNames
        .filter(isMissing)
        .map((name) => `${name} is required with the other LIVEKIT_ settings: set all four, or none for the sandbox`);
};

/** Includes the path: two LiveKits may share a host. */
const projectOf = ({ host, pathname }: URL): string => host + pathname.replace(/\/+$/, '');

const configOf = (values: SettingValues, { PATH = '', XDG_CACHE_HOME }: Record<string, string | undefined>): Config => {
  const { node_env, livekit_url, livekit_api_key, livekit_api_secret, livekit_sip_host, ...rest } = values;
  const production = node_env === 'production';
  return {
    ...rest,
    production,
    host: hostToListenAt(values),
    ...(livekit_url &&
      livekit_api_key &&
      livekit_api_secret &&
      livekit_sip_host && {
        livekit: {
          url: livekit_url,
          api_key: livekit_api_key,
          api_secret: livekit_api_secret,
          sip_host: livekit_sip_host,
        },
      }),
    livekit_project: livekit_url ? projectOf(new URL(livekit_url)) : 'sandbox',
    quotas: {
      api_keys: values.max_api_keys,
      integrations: values.max_integrations,
      phone_numbers: values.max_phone_numbers,
    },
    cache_dir: join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'trunkline'),
    search_path: PATH,
  };
};
