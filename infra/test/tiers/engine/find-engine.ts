import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder with `pulumi` and its Node language host, from PULUMI_ENGINE_DIR. */
export const findEngine = (): string | undefined => {
  const folder = process.env.PULUMI_ENGINE_DIR;
  return folder && ['pulumi', 'pulumi-language-nodejs'].every((binary) => existsSync(join(folder, binary)))
    ? folder
    : undefined;
};

/** Runs before the tests: says what is missing and that they are skipped. Fails if CI is set. */
export const setup = () => {
  if (findEngine()) return;
  const missing =
    'No Pulumi engine: set PULUMI_ENGINE_DIR to a folder that holds pulumi and pulumi-language-nodejs, as Pulumi’s ' +
    'installer leaves under ~/.pulumi/bin and `pnpm --filter infra exec pulumi version` under ~/.pulumi/versions.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
};
