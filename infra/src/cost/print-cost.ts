import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parse } from 'yaml';
import { networkOf, Schema, SECRET_KEYS } from '../config/schema.ts';
import { costOf, PRICES, totalOf } from './cost.ts';

// pnpm --filter infra cost [Pulumi.<stack>.yaml]
const file = resolve(process.argv[2] ?? 'Pulumi.dev.example.yaml');

const read = () => {
  const { config = {} } = parse(readFileSync(file, 'utf8')) ?? {};
  const open = Object.entries<unknown>(config).filter(
    ([key, value]) => key.startsWith('infra:') && !(typeof value === 'object' && value !== null && 'secure' in value),
  );
  const given = Object.fromEntries(open.map(([key, value]) => [key.slice('infra:'.length), value]));
  const { data, error } = Schema.safeParse(given);
  if (data) return data;
  throw new Error(error.issues.map(({ path, message }) => `\n  infra:${path.join('.')} ${message}`).join(''));
};

const dollars = (usd: number | undefined) => (usd === undefined ? '?' : usd.toFixed(2));

try {
  const settings = read();
  const managedSecrets = SECRET_KEYS.filter((key) => settings.secretArns[key] === undefined).length;
  const own = settings.database.kind === 'documentdb' ? 1 : 0;
  const lines = costOf({
    ...settings,
    network: networkOf(settings.network),
    hasCertificate: settings.domain !== undefined,
    managedSecrets: managedSecrets + own,
  });
  console.log(`${basename(file)}: US dollars a month, list prices of ${PRICES.as_of} in US East (N. Virginia)\n`);
  for (const { what, quantity, usd_each } of lines) {
    const usd = usd_each === undefined ? undefined : quantity * usd_each;
    console.log(
      `${what.padEnd(52)}${String(quantity).padStart(4)} × ${dollars(usd_each).padStart(8)}${dollars(usd).padStart(10)}`,
    );
  }
  console.log(`${'Together, about'.padEnd(67)}${String(totalOf(lines)).padStart(10)}`);
  if (lines.some(({ usd_each }) => usd_each === undefined)) console.log('\n?: src/cost/cost.ts has no price for it.');
  console.log(
    '\nTraffic costs extra: data through NAT and the load balancer, log lines, the database’s storage and I/O.',
  );
} catch (error) {
  console.error(`${basename(file)} cannot be priced: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
