import { openBench } from './open-bench.ts';
import { report } from './quantile.ts';

const IMPORTS = 25;
const CALLS_PER_SECOND = 10;

/** Many imports at once, with fewer calls allowed by Twilio than they make: all must succeed well within the default deadline. */
export const measureBusy = async (database: (name: string) => string): Promise<void> => {
  const { client, integrate, drawNumber, setLimit, close } = await openBench(database('busy'));
  const both = { supports_inbound: true, supports_outbound: true } as const;
  console.log(`\n${IMPORTS} imports at once of an account that takes ${CALLS_PER_SECOND} calls a second`);
  for (const what of ['on an existing trunk', 'the first of their integration']) {
    const ofTwilio = { provider: 'twilio', ...both, integration_id: await integrate() } as const;
    if (what === 'on an existing trunk') {
      await client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number: drawNumber() });
    }
    await setLimit(CALLS_PER_SECOND);
    const begun = performance.now();
    const imports = Array.from({ length: IMPORTS }, () =>
      client.phoneNumbers.import.mutate({ ...ofTwilio, phone_number: drawNumber() }).then(
        () => performance.now() - begun,
        () => undefined,
      ),
    );
    const times = (await Promise.all(imports)).filter((time) => time !== undefined);
    await setLimit(0);
    report(`${what}: imported`, `${times.length} of ${IMPORTS}`, 'all');
    report('', `${(Math.max(...times) / 1000).toFixed(1)} s`, 'until the last; the deadline is 25 s');
  }
  await close();
};
