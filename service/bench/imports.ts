import { openBench } from './open-bench.ts';
import { median, quantile, report } from './quantile.ts';

/** The longest chain of calls each of which needs the one before; whatever else is called runs beside it. */
const chains = {
  // Is it theirs, and free? The inbound trunk; the rule on that; the routing to it.
  'Twilio, both ways, on the existing trunk': 4,
  // Theirs, and free? The carrier trunk; what belongs to it; the outbound trunk, through it; the routing to it.
  'Twilio, both ways, the first of its integration': 5,
  // The inbound trunk; the rule on that.
  'SIP, both ways': 2,
} as const;

type Kind = keyof typeof chains;
const ROUNDS = { 0: 200, 50: 15, 200: 7 } as const;

/** An import's wall time with a fixed delay at each call to a provider, against the chain of calls that it cannot do without. */
export const measureImports = async (database: (name: string) => string): Promise<void> => {
  const { client, integrate, drawNumber, setDelay, close } = await openBench(database('imports'));
  const both = { supports_inbound: true, supports_outbound: true } as const;
  const sip = { provider: 'sip', ...both, sip_server_address: 'sip.example.com' } as const;
  const existing = { provider: 'twilio', ...both, integration_id: await integrate() } as const;

  const prepare = async (kind: Kind) => {
    const phone_number = drawNumber();
    if (kind === 'SIP, both ways') return { ...sip, phone_number };
    if (kind === 'Twilio, both ways, on the existing trunk') return { ...existing, phone_number };
    return { ...existing, integration_id: await integrate(), phone_number };
  };
  await client.phoneNumbers.import.mutate({ ...existing, phone_number: drawNumber() });

  for (const [delay, rounds] of Object.entries(ROUNDS)) {
    const delay_ms = Number(delay);
    console.log(`\nAn import with ${delay_ms} ms at each call to a provider, ${rounds} times`);
    for (const kind of Object.keys(chains) as Kind[]) {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const input = await prepare(kind);
        await setDelay(delay_ms);
        const begun = performance.now();
        await client.phoneNumbers.import.mutate(input);
        times.push(performance.now() - begun);
        await setDelay(0);
      }
      if (delay_ms === 0) {
        const own = `p50 ${median(times).toFixed(1)}, p95 ${quantile(times, 0.95).toFixed(1)}`;
        report(`${kind}: own time in ms`, own, kind === 'Twilio, both ways, on the existing trunk' ? 'p50 ≤ 15' : '');
      } else {
        const chain_ms = chains[kind] * delay_ms;
        report(`${kind}: wall ÷ ${chains[kind]} calls`, (median(times) / chain_ms).toFixed(3), '≤ 1.1');
      }
    }
  }
  await close();
};
