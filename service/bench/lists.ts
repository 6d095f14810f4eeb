import { numberOf } from './claims.ts';
import { openBench } from './open-bench.ts';
import { median, report } from './quantile.ts';

const FEW = 1000;
const MANY = 100_000;
const PAIRS = 300;
const WARM_UP = 50;

const INTEGRATION = `intg_${'0'.repeat(12)}` as const;

const lists = {
  'all of them': '',
  'a page further on': 'second',
  'by status': 'status=assigned',
  'by provider': 'provider=sip',
  'by state': 'provisioning_state=active',
  'by agent': 'assigned_agent_id=agent',
  'by label': 'label=bench',
  'by integration': `integration_id=${INTEGRATION}`,
  'by their beginning': 'phone_number_prefix=%2B1555',
  'by provider and status': 'provider=sip&status=assigned',
  'by state and status': 'provisioning_state=active&status=assigned',
  'by agent and status': 'assigned_agent_id=agent&status=assigned',
  'by label and status': 'label=bench&status=assigned',
  'by integration and status': `integration_id=${INTEGRATION}&status=assigned`,
  'by their beginning and status': 'phone_number_prefix=%2B1555&status=assigned',
};

/** Reads a page over REST, of an organization with few numbers and of one with many, in turns. */
export const measureLists = async (database: (name: string) => string): Promise<void> => {
  const few = await openLists(database('lists_few'), FEW);
  const many = await openLists(database('lists_many'), MANY);
  console.log(`\nA page of 20 numbers, ${PAIRS} pairs: of ${MANY} ÷ of ${FEW}`);
  for (const [what, query] of Object.entries(lists)) {
    const pairs: { few: number; many: number }[] = [];
    for (let pair = -WARM_UP; pair < PAIRS; pair++) {
      const times = { few: await few.read(query), many: await many.read(query) };
      if (pair >= 0) pairs.push(times);
    }
    const each = (side: 'few' | 'many') => median(pairs.map((pair) => pair[side])).toFixed(2);
    report(what, median(pairs.map((it) => it.many / it.few)).toFixed(2), `≤ 1.1 (${each('many')} ÷ ${each('few')} ms)`);
  }
  await Promise.all([few.close(), many.close()]);
};

const openLists = async (mongodb_uri: string, count: number) => {
  const { url, api_key, organization_id, connection, close } = await openBench(mongodb_uri);
  const rows = connection.collection('phone_numbers');
  const made = Array.from({ length: count }, (_, n) => ({
    ...numberOf(n, undefined),
    organization_id,
    label: n % 2 === 0 ? 'bench' : null,
    ...(n % 4 === 1 && { provider: 'twilio', integration_id: INTEGRATION, former_routing: null }),
    ...(n % 3 === 0 && { status: 'assigned', assigned_agent_id: 'agent' }),
  }));
  for (let from = 0; from < made.length; from += 5000) await rows.insertMany(made.slice(from, from + 5000));
  const ask = async (query: string) => {
    const response = await fetch(`${url}/api/phone-numbers?${query}`, {
      headers: { 'X-API-Key': api_key, 'X-Organization-Id': organization_id },
    });
    const { data, pagination } = (await response.json()) as { data?: unknown[]; pagination: { next_cursor: string } };
    if (data?.length !== 20) throw new Error(`${query} answered ${response.status} and no whole page`);
    return pagination.next_cursor;
  };
  const cursor = await ask('');
  return {
    /** Returns how long it took. */
    read: async (query: string): Promise<number> => {
      const started = performance.now();
      await ask(query === 'second' ? `cursor=${cursor}` : query);
      return performance.now() - started;
    },
    close,
  };
};
