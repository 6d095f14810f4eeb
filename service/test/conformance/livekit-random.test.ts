import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type LiveKit, openRealLiveKit, openStandIn } from './livekit.ts';
import { createWire } from './livekit-wire.ts';
import { createRandomRequests, type DrawnRequest } from './random-requests.ts';

const SEED = Number(process.env.CONFORMANCE_SEED ?? 1);
const REQUESTS = 1000;

describe.skipIf(inject('real_livekit') === null)('the stand-in and livekit-server', () => {
  let sides: LiveKit[] = [];
  beforeAll(async () => {
    sides = await Promise.all([openStandIn(), openRealLiveKit()]);
  });
  afterAll(async () => {
    for (const { close } of sides) await close();
  });

  it(`give the same answers to ${REQUESTS} requests drawn with CONFORMANCE_SEED=${SEED}`, async () => {
    const [standIn, real] = sides.map(createSide) as [Side, Side];
    const requests = createRandomRequests(SEED);
    const done = new Map<string, number>();
    for (let n = 0; n < REQUESTS; n++) {
      const request = requests.draw();
      const [ours, theirs] = await Promise.all([standIn(request), real(request)]);
      expect(ours, `request ${n}: ${request.method} ${JSON.stringify(request.body)}`).toEqual(theirs);
      requests.heard(request, theirs.status);
      if (theirs.status === 200) done.set(request.method, (done.get(request.method) ?? 0) + 1);
    }
    // If all requests were refused, the test would prove little.
    expect([...done].filter(([, times]) => times < 5)).toEqual([]);
    expect(done.size).toBe(11);
  });
});

interface Answer {
  status: number;
  type: string | null;
  body: any;
}

type Side = (request: DrawnRequest) => Promise<Answer>;

/** Uses names in place of the server's ids. */
const createSide = (livekit: LiveKit): Side => {
  const post = createWire(livekit);
  const ids = new Map<string, string>();
  return async ({ method, body, name }) => {
    const inIds = JSON.stringify(body).replace(/thing-\d+/g, (named) => ids.get(named) ?? named);
    const answer = await post(method, inIds);
    const id = answer.body.sip_trunk_id ?? answer.body.sip_dispatch_rule_id;
    if (method.startsWith('Create') && answer.status === 200) ids.set(name, id);
    const inNames = [...ids].reduce((said, [named, id]) => said.replaceAll(id, named), JSON.stringify(answer));
    return withoutOrder(JSON.parse(inNames));
  };
};

const CLASH = /^(Conflicting|Dispatch rule for|twirp error unknown: unsupported SIP Dispatch Rule).*/s;

/** Lists are sorted by ids, so their order is random, and so is which of several clashes is found first. */
const withoutOrder = ({ status, type, body }: Answer): Answer => ({
  status,
  type,
  body: {
    ...body,
    ...(body.msg && { msg: body.msg.replace(CLASH, 'a clash') }),
    ...(body.items && { items: body.items.toSorted(byName) }),
  },
});

const byName = (a: any, b: any): number => (nameOf(a) < nameOf(b) ? -1 : 1);
const nameOf = ({ sip_trunk_id, sip_dispatch_rule_id }: any): string => sip_trunk_id ?? sip_dispatch_rule_id;
