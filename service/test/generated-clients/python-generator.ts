import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const isThere = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The generator at OPENAPI_PYTHON_CLIENT, else on the PATH. Its Python is in the same folder, as in a venv. */
export const findGenerator = (): string | undefined => {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found =
    process.env.OPENAPI_PYTHON_CLIENT ?? folders.map((folder) => join(folder, 'openapi-python-client')).find(isThere);
  if (found !== undefined) return realpathSync(found);
  const missing =
    'No generator of Python clients: pip install openapi-python-client in a venv, and set OPENAPI_PYTHON_CLIENT.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
  return undefined;
};
