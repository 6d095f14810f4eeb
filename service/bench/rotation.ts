import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { databaseOf } from '../src/database/connect.ts';
import { drawId } from '../src/database/ids.ts';
import { openBench } from './open-bench.ts';
import { report } from './quantile.ts';

const FEW = 1000;
const MANY = 10_000;
/** How often memory is measured. */
const SAMPLE_MS = 500;
const MB = 1_000_000;

/** Rotates a trunk password with few numbers and with many. Measures the memory in use after garbage collection meanwhile. */
export const measureRotation = async (database: (name: string) => string): Promise<void> => {
  const few = await rotate(database('rotation_few'), FEW);
  const many = await rotate(database('rotation_many'), MANY);
  console.log('\nA rotation of the trunk password');
  report(
    `most memory held, under ${MANY} numbers ÷ under ${FEW}`,
    (many.most_held / few.most_held).toFixed(2),
    '≤ 1.2',
  );
  for (const { count, seconds, most_held } of [few, many])
    report(`  ${count} numbers: s, MB`, `${seconds.toFixed(0)} and ${(most_held / MB).toFixed(0)}`);
};

const rotate = async (mongodb_uri: string, count: number) => {
  const bench = await openBench(mongodb_uri);
  const { client, integrate, drawNumber, connection, service } = bench;
  const integration_id = await integrate();
  const input = { provider: 'twilio', supports_inbound: false, supports_outbound: true, integration_id } as const;
  const { phone_number_id } = (await client.phoneNumbers.import.mutate({ ...input, phone_number: drawNumber() })).data;
  const rows = databaseOf(connection).collection('phone_numbers');
  const imported = await rows.findOne({ phone_number_id }, { projection: { _id: 0 } });
  // As if each had been imported: this LiveKit updates any trunk that it is asked for.
  const others = Array.from({ length: count - 1 }, () => {
    const phone_number = drawNumber();
    return { ...imported, phone_number_id: drawId('phon'), phone_number, holds: phone_number };
  });
  await rows.insertMany(others);

  const held = watchHeap();
  const begun = performance.now();
  await client.integrations.update.mutate({ integration_id, rotate_trunk_password: true });
  const isUnderWay = async () => {
    const { data } = await client.integrations.get.query({ integration_id });
    return data.trunk_password_rotation !== null;
  };
  for (; await isUnderWay(); await wait(SAMPLE_MS)) await service.reconciler.turn();
  const seconds = (performance.now() - begun) / 1000;
  const most_held = held.most();
  const names = await rows.distinct('provisioning.parts.outbound_trunk.sent.username');
  if (names.length !== 1 || names[0] === imported?.provisioning.parts.outbound_trunk.sent.username)
    throw new Error(`Not every number dials by the new user name: ${names.join(', ')}`);
  await bench.close();
  return { count, seconds, most_held };
};

const watchHeap = () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let most = 0;
  const look = () => {
    collect();
    most = Math.max(most, process.memoryUsage().heapUsed);
  };
  look();
  const timer = setInterval(look, SAMPLE_MS);
  return {
    most: () => {
      clearInterval(timer);
      return most;
    },
  };
};
