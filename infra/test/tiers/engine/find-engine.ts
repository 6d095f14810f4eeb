import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder with `pulumi` and its Node language host, as PULUMI_ENGINE_DIR names it. */
export const findEngine = (): string | undefined => {
  const folder = process.env.PULUMI_ENGINE_DIR;
  return folder && ['pulumi', 'pulumi-language-nodejs'].every((binary) => existsSync(join(folder, binary)))
    ? folder
    : undefined;
};

/** Before the tests: says that they are skipped, and what is missing; where CI is set, that is a failure. */
export const setup = () => {
  if (findEngine()) return;
  const missing =
    'No Pulumi engine: set PULUMI_ENGINE_DIR to a folder that holds pulumi and pulumi-language-nodejs, as Pulumi’s ' +
    'installer leaves under ~/.pulumi/bin and `pnpm --filter infra exec pulumi version` under ~/.pulumi/versions.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
};
