import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `Usage: pnpm test:pairs [options] [files]

  --all          every pair, not one of each cell
  --journal <f>  keeps in this file what holds; with the same file the same code goes on where it was ended
  --seed <n>     draws the sample anew: the same number draws the same pairs
  --pair <name>  this pair alone, by the name that its test has
  --update       writes down what was recorded, as what later runs must meet`;

/** Runs the pairs with vitest, which knows none of these options. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    journal: { type: 'string' },
    seed: { type: 'string' },
    pair: { type: 'string' },
    update: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help) console.log(USAGE);
else {
  const { all, journal, seed, pair, update } = values;
  const env = {
    ...process.env,
    ...(seed && { TRUNKLINE_PAIRS_SEED: seed }),
    ...(pair && { TRUNKLINE_PAIR: pair }),
    ...(journal && { TRUNKLINE_PAIRS_JOURNAL: resolve(journal) }),
    ...(update && { TRUNKLINE_PAIRS: 'update' }),
    ...(all && { TRUNKLINE_PAIRS: 'all' }),
  };
  const vitest = spawn('vitest', ['run', '--project', 'pairs', ...positionals], { stdio: 'inherit', env });
  vitest.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
