import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder with `pulumi` and its Node language host, as PULUMI_ENGINE_DIR names it.
 * Without one the tier is skipped, and says so; where CI is set, a skip is a failure.
 */
export const findEngine = (): string | undefined => {
  const folder = process.env.PULUMI_ENGINE_DIR;
  if (folder && ['pulumi', 'pulumi-language-nodejs'].every((binary) => existsSync(join(folder, binary)))) return folder;
  const missing =
    'No Pulumi engine: set PULUMI_ENGINE_DIR to a folder that holds pulumi and pulumi-language-nodejs. ' +
    'Pulumi’s installer and `pnpm --filter infra exec pulumi version` each leave such a folder under ~/.pulumi.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
  return undefined;
};
