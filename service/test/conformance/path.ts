import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Every program with this name on the PATH, in order. */
export const onPath = async (name: string, { PATH = '' }: NodeJS.ProcessEnv): Promise<string[]> => {
  const paths = PATH.split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name));
  const executable = await Promise.all(
    paths.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_path, n) => executable[n]);
};
