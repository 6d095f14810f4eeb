import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyRing } from '../database/secrets.ts';
import { drawApiKey } from '../organizations/raw-key.ts';

/** Reads a secret from the data folder, or creates it. Never in production: there it comes from the settings. */
const kept = async (data_dir: string, name: string, draw: () => string): Promise<string> => {
  await mkdir(data_dir, { recursive: true });
  const file = join(data_dir, name);
  await writeFile(file, draw(), { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  return (await readFile(file, 'utf8')).trim();
};

export const keptEncryptionKeys = async (data_dir: string): Promise<KeyRing> => {
  const key = await kept(data_dir, 'encryption-key', () => randomBytes(32).toString('base64'));
  return new Map([['local', Buffer.from(key, 'base64')]]);
};

export const keptApiKey = (data_dir: string): Promise<string> => kept(data_dir, 'sample-api-key', drawApiKey);
