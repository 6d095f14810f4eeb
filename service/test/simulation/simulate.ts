import { parseArgs } from 'node:util';
import { type Run, run } from './run.ts';
import { shrink } from './shrink.ts';

const USAGE = `Usage: pnpm simulate [options]

  --runs <n>   the number of runs, one after another (default: 100)
  --seed <n>   the seed of the first run; each later run adds one (default: random)
  --no-shrink  do not shrink a failing run
  --trace      print everything that happens`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    shrink: { type: 'boolean', default: true },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const show = ({ seed, faults, disturbances, trace }: Run): void => {
  console.log(`\nSeed ${seed} fails: pnpm simulate --runs 1 --seed ${seed}`);
  for (const fault of faults) console.log(`  ${fault}`);
  console.log('Disturbances that it takes:');
  for (const disturbance of disturbances) console.log(`  ${disturbance}`);
  console.log('What happens, and at which millisecond:');
  console.log(trace.filter((line) => values.trace || STORY.test(line)).join('\n'));
};

/** Trace lines about people, callers and disturbances. */
const STORY = / (asks|is told|somebody|fails|dies|stalls|is lost|is slow|is replaced|acts late|waits)\b/;

const main = async (): Promise<void> => {
  const first = Number(values.seed);
  const runs = Number(values.runs);
  const begun = performance.now();
  let failed = 0;
  console.log(`${runs} runs from seed ${first}`);
  for (let n = 0; n < runs; n++) {
    const ran = await run({ seed: first + n });
    if (n % 1000 === 999) console.log(`${n + 1} runs in ${Math.round((performance.now() - begun) / 1000)} s`);
    if (ran.faults.length === 0) {
      if (values.trace) console.log(ran.trace.join('\n'));
      continue;
    }
    failed++;
    show(values.shrink ? await shrink(ran, ran) : ran);
  }
  console.log(`${runs} runs from seed ${first}, ${failed} failed, ${Math.round((performance.now() - begun) / 1000)} s`);
  if (failed > 0) process.exitCode = 1;
};

if (values.help) console.log(USAGE);
else await main();
