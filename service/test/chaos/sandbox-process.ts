import { systemClock } from '../../src/clock.ts';
import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';

/** The stand-ins in their own process. The account owns as many numbers as the first argument says. */
const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
const numbers = Array.from({ length: Number(process.argv[2]) }, (_, n) => `+1555${String(2_000_000 + n)}`);
const { sid, auth_token } = await seedAccount(
  sandbox.shelf,
  numbers.map((phone_number) => ({ phone_number })),
);
console.log(`ready ${JSON.stringify({ url: sandbox.url, account: { sid, auth_token, numbers } })}`);
