import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const exists = (path: string): boolean => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
};

/** The browser at CHROMIUM_PATH, else the first one on the PATH. */
const findChromium = (): string | undefined => {
  const named = process.env.CHROMIUM_PATH;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
    .find(exists);
};

/** Undefined if there is none, which is an error in CI. */
export const executablePath = findChromium();
if (!executablePath) {
  const missing = 'No browser: install Chromium (Debian: apt-get install chromium), or set CHROMIUM_PATH.';
  if (process.env.CI) throw new Error(missing);
  console.log(`Skipped. ${missing}`);
}
