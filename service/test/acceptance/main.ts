import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { accept, planOf } from './accept.ts';
import { recordingOf } from './recording.ts';
import { openRehearsal } from './rehearsal.ts';
import { reportOf } from './report.ts';
import { readSettings } from './settings.ts';

const USAGE = `Usage: npx -y pnpm acceptance [--yes] [--call] [--rehearse] [--folder <folder>]

Runs everything that Trunkline promises for one number, with a Twilio account and a LiveKit project of yours, and takes away
what it made. docs/acceptance.md has the rest.

--yes       does not ask before it begins
--call      waits while the number is imported, so that you can call it
--rehearse  with the stand-ins, and no account of yours
--folder    where the report, the recording and the database go`;

const interrupted = new AbortController();
const at_once = new AbortController();
process.on('SIGINT', () => {
  if (interrupted.signal.aborted) at_once.abort(new Error('not looked at, as it was interrupted'));
  interrupted.abort(new Error('Interrupted.'));
});

const ask = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(question, { signal: interrupted.signal });
  } finally {
    lines.close();
  }
};

try {
  const { values } = parseArgs({
    options: {
      yes: { type: 'boolean', default: false },
      call: { type: 'boolean', default: false },
      rehearse: { type: 'boolean', default: false },
      folder: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) console.log(USAGE);
  else process.exitCode = await main(values);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
// Do not wait for an embedded mongod that could not be stopped.
process.exit();

async function main({
  yes,
  call,
  rehearse,
  folder: named,
}: {
  yes: boolean;
  call: boolean;
  rehearse: boolean;
  folder?: string | undefined;
}) {
  await using opened = new AsyncDisposableStack();
  const settings = rehearse ? opened.use(await openRehearsal()).settings : readSettings(process.env);
  console.log(planOf(settings));
  if (!yes) {
    if (!process.stdin.isTTY) throw new Error('\nNothing was changed. To begin, run it again with --yes.');
    const answer = await ask('\nBegin? [y/N] ');
    if (!/^y(es)?$/i.test(answer.trim())) throw new Error('Nothing was changed.');
  }
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const folder = resolve(named ?? join(import.meta.dirname, '../../../.data/acceptance', stamp));
  await mkdir(folder, { recursive: true });
  console.log();
  const outcome = await accept(settings, {
    folder,
    say: (line) => console.log(line),
    signal: interrupted.signal,
    at_once: at_once.signal,
    ...(call && {
      meanwhile: async () =>
        void (await ask(`\nThe number is imported. Call ${settings.phone_number} now; then press Enter. `)),
    }),
  });
  const report = reportOf(outcome, settings);
  await writeFile(join(folder, 'report.md'), report);
  // If anything private is left in it, the recording is not written, and this fails.
  if (!interrupted.signal.aborted) {
    const recording = recordingOf(outcome.exchanges, settings);
    await writeFile(join(folder, 'recording.json'), `${JSON.stringify(recording, null, 2)}\n`);
  }
  console.log(`\n${report}\nThis report${interrupted.signal.aborted ? '' : ', and the recording,'} are in ${folder}`);
  const isKept = outcome.promises.every(({ kept }) => kept) && outcome.left.length === 0;
  if (interrupted.signal.aborted) return 130;
  return isKept ? 0 : 1;
}
