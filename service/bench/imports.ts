import { openBareImport } from './bare-import.ts';
import { type Bench, openBench } from './open-bench.ts';
import { median, quantile, report } from './quantile.ts';

const EXISTING = 'Twilio, both ways, on the existing trunk';

/** The longest chain of calls that depend on each other. All other calls run at the same time. */
const chains = {
  // The check that it is owned and free; the inbound trunk; its rule; the routing.
  [EXISTING]: 4,
  // The check that it is owned and free; the carrier trunk; its other parts; their check; the outbound trunk; the routing.
  'Twilio, both ways, the first of its integration': 6,
  // The check that it is free; the inbound trunk; its rule.
  'SIP, both ways': 3,
} as const;

type Kind = keyof typeof chains;

/** The largest allowed wall time, as a multiple of the chain, by the delay of a call in ms. */
const goals = {
  [EXISTING]: { 50: 1.12, 200: 1.06 },
  'Twilio, both ways, the first of its integration': { 50: 1.16, 200: 1.07 },
  'SIP, both ways': { 50: 1.16, 200: 1.07 },
} as const satisfies Record<Kind, object>;
const PAIRS = 200;
const WARM_UP = 100;
const ROUNDS = { 0: 200, 50: 15, 200: 7 } as const;

/** Compares an import's wall time, with a fixed delay at each call to a provider, with its shortest possible chain of calls. */
export const measureImports = async (database: (name: string) => string): Promise<void> => {
  const bench = await openBench(database('imports'));
  const { client, integrate, drawNumber, setDelay, close } = bench;
  const both = { supports_inbound: true, supports_outbound: true } as const;
  const sip = { provider: 'sip', ...both, sip_server_address: 'sip.example.com' } as const;
  const existing = { provider: 'twilio', ...both, integration_id: await integrate() } as const;

  const prepare = async (kind: Kind) => {
    const phone_number = drawNumber();
    if (kind === 'SIP, both ways') return { ...sip, phone_number };
    if (kind === EXISTING) return { ...existing, phone_number };
    return { ...existing, integration_id: await integrate(), phone_number };
  };
  const bare = openBareImport(bench.connection, bench.providers_url);
  await compareWithBare({
    bare,
    rest: () => importOverRest(bench, { ...existing, phone_number: drawNumber() }),
    trpc: () => client.phoneNumbers.import.mutate({ ...existing, phone_number: drawNumber() }),
  });

  for (const [delay, rounds] of Object.entries(ROUNDS)) {
    const delay_ms = Number(delay);
    console.log(`\nAn import with ${delay_ms} ms at each call to a provider, ${rounds} times`);
    for (const kind of Object.keys(chains) as Kind[]) {
      const times = { ours: [] as number[], bare: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        const input = await prepare(kind);
        await setDelay(delay_ms);
        times.ours.push(await timed(() => importOverRest(bench, input)));
        if (kind === EXISTING) times.bare.push(await timed(bare));
        await setDelay(0);
      }
      if (delay_ms === 0) {
        report(`${kind}: own time in ms, p50`, median(times.ours).toFixed(1));
        report('', quantile(times.ours, 0.95).toFixed(1), 'p95');
      } else {
        const chain_ms = chains[kind] * delay_ms;
        report(
          `${kind}: wall ÷ ${chains[kind]} calls`,
          (median(times.ours) / chain_ms).toFixed(3),
          `≤ ${goals[kind][delay_ms === 50 ? 50 : 200]}`,
        );
        if (kind === EXISTING) report('  its bare round trips alone', (median(times.bare) / chain_ms).toFixed(3));
      }
    }
  }
  await measureReleases(bench, existing.integration_id, setDelay);
  await measureUpdates(bench);
  await measureDirections(bench, existing.integration_id);
  await close();
};

/** Reading the number's routing; restoring the former one; removing the outbound trunk, the rule and the inbound trunk. */
const RELEASE_CALLS = 5;

const measureReleases = async (
  { client, drawNumber }: Pick<Bench, 'client' | 'drawNumber'>,
  integration_id: `intg_${string}`,
  setDelay: Bench['setDelay'],
): Promise<void> => {
  const twilio = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
  const times: number[] = [];
  for (let round = 0; round < ROUNDS[50]; round++) {
    const { data } = await client.phoneNumbers.import.mutate({ ...twilio, phone_number: drawNumber() });
    await setDelay(50);
    times.push(await timed(() => client.phoneNumbers.release.mutate({ phone_number_id: data.phone_number_id })));
    await setDelay(0);
  }
  console.log(`\nA release with 50 ms at each call to a provider, ${ROUNDS[50]} times`);
  report(
    `Twilio, both ways: wall ÷ ${RELEASE_CALLS} calls`,
    (median(times) / (RELEASE_CALLS * 50)).toFixed(3),
    '≤ 1.15',
  );
};

/** Changing the inbound trunk; reading its rule; replacing the rule. The outbound trunk is changed at the same time. */
const UPDATE_CALLS = 3;

const measureUpdates = async ({ client, drawNumber, setDelay }: Pick<Bench, 'client' | 'drawNumber' | 'setDelay'>) => {
  const sip = { provider: 'sip', supports_inbound: true, supports_outbound: true } as const;
  const { data } = await client.phoneNumbers.import.mutate({
    ...{ ...sip, phone_number: drawNumber(), sip_server_address: 'sip.example.com' },
  });
  const times: number[] = [];
  for (let round = 0; round < ROUNDS[200]; round++) {
    const rooms = { inbound_room_name: `room-${round}`, allowed_addresses: [`192.0.2.${round + 1}`] };
    const patch = { ...rooms, sip_server_address: `sip-${round}.example.com` };
    await setDelay(200);
    times.push(
      await timed(() => client.phoneNumbers.update.mutate({ phone_number_id: data.phone_number_id, ...patch })),
    );
    await setDelay(0);
  }
  console.log(`\nAn update of both trunks and the rule with 200 ms at each call to LiveKit, ${ROUNDS[200]} times`);
  report(`SIP: wall ÷ ${UPDATE_CALLS} calls`, (median(times) / (UPDATE_CALLS * 200)).toFixed(3), '≤ 1.15');
};

/**
 * Calls that depend on each other. Off: reading the number's routing; restoring the former one; removing the rule and
 * the inbound trunk. On: the check that it is owned and free; the inbound trunk; its rule; reading the routing; the
 * routing.
 */
const DIRECTION_CALLS = { off: 4, on: 5 } as const;

const measureDirections = async (
  { client, drawNumber, setDelay }: Pick<Bench, 'client' | 'drawNumber' | 'setDelay'>,
  integration_id: `intg_${string}`,
) => {
  const twilio = { provider: 'twilio', supports_inbound: true, supports_outbound: true, integration_id } as const;
  const times = { off: [] as number[], on: [] as number[] };
  for (let round = 0; round < ROUNDS[200]; round++) {
    const { data } = await client.phoneNumbers.import.mutate({ ...twilio, phone_number: drawNumber() });
    for (const [turned, supports_inbound] of [
      ['off', false],
      ['on', true],
    ] as const) {
      await setDelay(200);
      const { phone_number_id } = data;
      times[turned].push(await timed(() => client.phoneNumbers.update.mutate({ phone_number_id, supports_inbound })));
      await setDelay(0);
    }
  }
  console.log(`\nAn update of a Twilio number with 200 ms at each call, ${ROUNDS[200]} times`);
  for (const turned of ['off', 'on'] as const) {
    const ratio = median(times[turned]) / (DIRECTION_CALLS[turned] * 200);
    report(`turns calls in ${turned}: wall ÷ ${DIRECTION_CALLS[turned]} calls`, ratio.toFixed(3), '≤ 1.15');
  }
};

/** Runs all in turns, so that other load on the machine affects each of them. */
const compareWithBare = async (sides: Record<'bare' | 'rest' | 'trpc', () => Promise<unknown>>): Promise<void> => {
  const rounds: Record<keyof typeof sides, number>[] = [];
  for (let round = -WARM_UP; round < PAIRS; round++) {
    const times = { rest: await timed(sides.rest), bare: await timed(sides.bare), trpc: await timed(sides.trpc) };
    if (round >= 0) rounds.push(times);
  }
  console.log(`\nAn import on the existing trunk beside its bare round trips, ${PAIRS} times each, no delay`);
  const p50 = (side: keyof typeof sides) => median(rounds.map((round) => round[side])).toFixed(1);
  for (const side of ['rest', 'trpc'] as const) {
    const ratio = median(rounds.map((round) => round[side] / round.bare));
    const names = { rest: 'import over REST', trpc: 'import with the TypeScript client' };
    report(`${names[side]} ÷ the same calls`, ratio.toFixed(2), side === 'rest' ? '≤ 1.7' : '');
    report('', `${p50(side)} ÷ ${p50('bare')}`, 'ms, p50');
  }
};

const importOverRest = async ({ url, api_key, organization_id }: Bench, input: object): Promise<void> => {
  const response = await fetch(`${url}/api/phone-numbers`, {
    method: 'POST',
    headers: { 'X-API-Key': api_key, 'X-Organization-Id': organization_id, 'Content-Type': 'application/json' },
    body: JSON.stringify(input),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};
