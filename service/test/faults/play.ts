import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `Usage: pnpm test:pairs [options] [files]

  --count        no pair: says how many there are
  --all          every pair, not one of each cell
  --journal <f>  keeps in this file what holds; with the same file the same code goes on where it was ended
  --seed <n>     draws the sample anew: the same number draws the same pairs
  --pair <name>  this pair alone, by the name that its test has
  --update       writes down what was recorded, as what later runs must meet`;

/** The test file of the flow at the beginning of this pair's name. */
const fileOf = (pair: string): string | undefined =>
  readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.pairs.ts'))
    .map((file) => join(import.meta.dirname, file))
    .find((file) => readFileSync(file, 'utf8').includes(`'${pair.split(' / ')[0]}'`));

/** Passes these options to vitest as environment variables, because vitest does not know them. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'boolean' },
    all: { type: 'boolean' },
    journal: { type: 'string' },
    seed: { type: 'string' },
    pair: { type: 'string' },
    update: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const { all, count, journal, seed, pair, update, help } = values;
const files = pair === undefined ? positionals : [fileOf(pair)].filter((file) => file !== undefined);
if (help) console.log(USAGE);
else if (pair !== undefined && files.length === 0) {
  console.error(`No flow has the name that '${pair}' begins with.`);
  process.exitCode = 1;
} else {
  const env = {
    ...process.env,
    ...(seed && { TRUNKLINE_PAIRS_SEED: seed }),
    ...(pair && { TRUNKLINE_PAIR: pair }),
    ...(journal && { TRUNKLINE_PAIRS_JOURNAL: resolve(journal) }),
    ...(update && { TRUNKLINE_PAIRS: 'update' }),
    ...(all && { TRUNKLINE_PAIRS: 'all' }),
    ...(count && { TRUNKLINE_PAIRS: 'count' }),
  };
  const vitest = spawn('vitest', ['run', '--project', 'pairs', ...files], { stdio: 'inherit', env });
  vitest.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
