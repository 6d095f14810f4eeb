import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openapi, tool } from './run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-lint-'));
  await writeFile(join(folder, 'ruleset.yaml'), 'extends: ["spectral:oas"]\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

describe('openapi.json passes', () => {
  it("Redocly's recommended rules", async () => {
    const said = await tool('redocly', ['lint', '--extends=recommended', '--format=json', openapi], folder, quiet);
    expect(JSON.parse(said)).toMatchObject({ totals: { errors: 0, warnings: 0, ignored: 0 }, problems: [] });
  });

  it("Spectral's rules for OpenAPI", async () => {
    const args = [
      'lint',
      '--ruleset',
      'ruleset.yaml',
      '--fail-severity',
      'hint',
      '--format',
      'json',
      '--quiet',
      openapi,
    ];
    expect(JSON.parse(await tool('spectral', args, folder))).toEqual([]);
  });
});
