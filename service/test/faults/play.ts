import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `Usage: pnpm test:pairs [options] [files]

  --count        count the pairs, without playing any
  --all          play every pair, not one of each cell
  --journal <f>  store the pairs that held in this file; with the same file, the same code continues after an interruption
  --seed <n>     draw another sample; the same number draws the same pairs
  --pair <name>  play only this pair, by the name of its test
  --update       write recorded.json, which later runs are compared with`;

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
  console.error(`No flow's name is the beginning of '${pair}'.`);
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
