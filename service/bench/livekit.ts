import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { loadavg } from 'node:os';
import {
  SIPDispatchRule,
  SIPDispatchRuleIndividual,
  SIPDispatchRuleInfo,
  SIPInboundTrunkInfo,
  SIPOutboundTrunkInfo,
} from '@livekit/protocol';
import { AccessToken } from 'livekit-server-sdk';
import { readConfig } from '../src/config/index.ts';
import { createLiveKit } from '../src/vendors/livekit.ts';
import { findLiveKitServer, type LiveKitServer, startLiveKitServer } from '../test/conformance/livekit-server.ts';
import { findRedis, startRedis } from '../test/conformance/redis.ts';
import { median, quantile } from './quantile.ts';

const SIZES = [0, 1_000, 5_000, 20_000];
const ROUNDS = 60;
const WHOLE_ROUNDS = 10;

/** Measures how a real LiveKit server slows down as its trunks and rules grow: it keeps all of a kind in one hash in Redis. */
export const measureLiveKit = async (): Promise<void> => {
  const redis_server = await findRedis(process.env);
  const livekit_server = await findLiveKitServer(process.env, console.log);
  const redis = await startRedis(redis_server, { forgets: true });
  const livekit = await startLiveKitServer(livekit_server, redis.address);
  try {
    console.log(`\nlivekit-server with Redis, load ${loadavg()[0]?.toFixed(2)}; p50 / p95 in ms of ${ROUNDS}`);
    let filled = 0;
    for (const size of SIZES) {
      await fill(redis.port, filled, size);
      const figures = await measure(livekit);
      if (filled === 0 && size === 0) print(['numbers in place', ...Object.keys(figures)]);
      print([size.toLocaleString('en'), ...Object.values(figures)]);
      filled = size;
    }
  } finally {
    await livekit.kill();
    await redis.close();
  }
};

const print = (cells: string[]): void => console.log(`| ${cells.join(' | ')} |`);

const TWILIO_ADDRESSES = readConfig({}).twilio_signalling_addresses;
const MARK = { installation_id: 'bench0000000', phone_number_id: 'phon_000000000000' } as const;
const metadata = JSON.stringify({ trunkline: MARK });

/** Writes to Redis what LiveKit would after this many imports: through its API, 20,000 take a quarter of an hour. */
const fill = async (redis_port: number, from: number, to: number): Promise<void> => {
  const socket = connectTcp(redis_port, '127.0.0.1');
  await once(socket, 'connect');
  for (let n = from; n < to; n++) {
    const phone_number = `+1555${String(1_000_000 + n)}`;
    const id = String(n).padStart(12, '0');
    const inbound = new SIPInboundTrunkInfo({
      sipTrunkId: `ST_i${id}`,
      name: `${phone_number}-in`,
      numbers: [phone_number],
      allowedAddresses: TWILIO_ADDRESSES,
      metadata,
    });
    const outbound = new SIPOutboundTrunkInfo({
      sipTrunkId: `ST_o${id}`,
      name: `${phone_number}-out`,
      address: 'trunkline-bench.pstn.twilio.com',
      numbers: [phone_number],
      authUsername: 'trunkline',
      authPassword: 'A-password-of-24-letters',
      metadata,
    });
    const individual = new SIPDispatchRuleIndividual({ roomPrefix: 'call' });
    const rule = new SIPDispatchRuleInfo({
      sipDispatchRuleId: `SDR_${id}`,
      rule: new SIPDispatchRule({ rule: { case: 'dispatchRuleIndividual', value: individual } }),
      trunkIds: [inbound.sipTrunkId],
      name: phone_number,
      metadata,
    });
    socket.write(hset('sip_inbound_trunk', inbound.sipTrunkId, inbound.toBinary()));
    socket.write(hset('sip_outbound_trunk', outbound.sipTrunkId, outbound.toBinary()));
    socket.write(hset('sip_dispatch_rule', rule.sipDispatchRuleId, rule.toBinary()));
  }
  socket.end('*1\r\n$4\r\nQUIT\r\n');
  socket.resume();
  await once(socket, 'close');
};

/** Encodes a Redis command: https://redis.io/docs/latest/develop/reference/protocol-spec */
const hset = (key: string, field: string, value: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`*4\r\n$4\r\nHSET\r\n$${key.length}\r\n${key}\r\n$${field.length}\r\n${field}\r\n$${value.length}\r\n`),
    value,
    Buffer.from('\r\n'),
  ]);

let drawn = 0;

const measure = async ({ url, api_key, api_secret }: LiveKitServer): Promise<Record<string, string>> => {
  const switchboard = createLiveKit({
    url,
    api_key,
    api_secret,
    timeout_ms: 60_000,
    measureCall: (_call, run) => run(),
  });
  const common = { username: null, password: null, media_encryption: 'disable', mark: MARK } as const;
  const inboundLine = (phone_number: string) => ({
    ...common,
    name: `${phone_number}-in`,
    phone_number,
    allowed_addresses: TWILIO_ADDRESSES,
  });
  const answer = (phone_number: string, inbound_trunk_id: string) =>
    ({
      name: phone_number,
      inbound_trunk_id,
      room_prefix: 'call',
      pin: null,
      agent_id: null,
      agent_metadata: null,
      mark: MARK,
    }) as const;
  const outboundLine = (phone_number: string) =>
    ({
      ...common,
      name: `${phone_number}-out`,
      phone_number,
      address: 'trunkline-bench.pstn.twilio.com',
      from_host: null,
      transport: 'tcp',
    }) as const;
  const wholeList = createWholeList(url, api_key, api_secret);

  const times = new Map<string, number[]>();
  const timed = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const result = await run();
    times.set(what, [...(times.get(what) ?? []), performance.now() - begun]);
    return result;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const phone_number = `+1666${String(1_000_000 + drawn++)}`;
    await timed('list by number', () => switchboard.findInboundTrunks(phone_number));
    const inbound = await timed('create inbound trunk', () =>
      switchboard.createInboundTrunk(inboundLine(phone_number)),
    );
    const rule = await timed('create rule', () => switchboard.createDispatchRule(answer(phone_number, inbound)));
    const outbound = await timed('create outbound trunk', () =>
      switchboard.createOutboundTrunk(outboundLine(phone_number)),
    );
    await switchboard.removeDispatchRule(rule);
    await switchboard.removeTrunk(inbound);
    await switchboard.removeTrunk(outbound);
  }
  let bytes = 0;
  for (let round = 0; round < WHOLE_ROUNDS; round++) bytes = await timed('whole list', wholeList);
  // In the order of an import: the look-up first, then inbound trunk and rule, with the outbound trunk at the same time.
  for (let round = 0; round < ROUNDS; round++) {
    const phone_number = `+1666${String(1_000_000 + drawn++)}`;
    const made = await timed("LiveKit's part of an import", async () => {
      await switchboard.findInboundTrunks(phone_number);
      const [[inbound, rule], outbound] = await Promise.all([
        switchboard
          .createInboundTrunk(inboundLine(phone_number))
          .then(async (id) => [id, await switchboard.createDispatchRule(answer(phone_number, id))] as const),
        switchboard.createOutboundTrunk(outboundLine(phone_number)),
      ]);
      return { inbound, rule, outbound };
    });
    await switchboard.removeDispatchRule(made.rule);
    await switchboard.removeTrunk(made.inbound);
    await switchboard.removeTrunk(made.outbound);
  }
  const figures = [...times].map(([what, sample]): [string, string] => [
    what,
    `${median(sample).toFixed(1)} / ${quantile(sample, 0.95).toFixed(1)}`,
  ]);
  return { ...Object.fromEntries(figures), 'whole list in MB': (bytes / 1e6).toFixed(1) };
};

/** Fetches LiveKit's list of all inbound trunks without decoding it. Returns its size in bytes. */
const createWholeList = (url: string, api_key: string, api_secret: string) => async (): Promise<number> => {
  const token = new AccessToken(api_key, api_secret);
  token.addSIPGrant({ admin: true });
  const response = await fetch(`${url}/twirp/livekit.SIP/ListSIPInboundTrunk`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${await token.toJwt()}` },
    body: '{}',
  });
  if (!response.ok) throw new Error(`LiveKit answered ${response.status}: ${await response.text()}`);
  return (await response.arrayBuffer()).byteLength;
};
