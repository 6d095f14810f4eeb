import { afterAll, afterEach, beforeAll, describe, expect, inject } from 'vitest';
import { openRealLiveKit, openStandIn } from './livekit.ts';
import { createWire, type Wire } from './livekit-wire.ts';

export interface Side {
  post: Wire;
  /** Makes a call that must succeed, and returns its response. */
  make(method: string, body: object): Promise<any>;
}

/**
 * Runs one suite against the stand-in and a real server, so that the stand-in cannot differ. Each test starts empty.
 */
export const onBothSides = (what: string, suite: (side: () => Side) => void): void => {
  describe.each([
    { name: 'the stand-in', open: openStandIn, isMissing: false },
    { name: 'livekit-server', open: openRealLiveKit, isMissing: inject('real_livekit') === null },
  ])('$name', ({ open, isMissing }) => {
    describe.skipIf(isMissing)(what, () => {
      let livekit: Awaited<ReturnType<typeof open>> | undefined;
      let side: Side;
      beforeAll(async () => {
        livekit = await open();
        side = createSide(createWire(livekit));
      });
      afterEach(() => empty(side));
      afterAll(() => livekit?.close());
      suite(() => side);
    });
  });
};

const createSide = (post: Wire): Side => ({
  post,
  make: async (method, body) => {
    const answer = await post(method, body);
    expect(answer, method).toMatchObject({ status: 200, type: 'application/json' });
    return answer.body;
  },
});

const empty = async ({ make }: Side): Promise<void> => {
  for (const list of ['ListSIPInboundTrunk', 'ListSIPOutboundTrunk']) {
    for (const { sip_trunk_id } of (await make(list, {})).items) await make('DeleteSIPTrunk', { sip_trunk_id });
  }
  for (const { sip_dispatch_rule_id } of (await make('ListSIPDispatchRule', {})).items)
    await make('DeleteSIPDispatchRule', { sip_dispatch_rule_id });
};

/** A refusal because of invalid input. */
export const invalid = (msg: unknown) => ({
  status: 400,
  type: 'application/json',
  body: { code: 'invalid_argument', msg },
});

export const notFound = (msg: string) => ({ status: 404, type: 'application/json', body: { code: 'not_found', msg } });

export const badRoute = (msg: string, route: string) => ({
  status: 404,
  type: 'application/json',
  body: { code: 'bad_route', msg, meta: { twirp_invalid_route: route } },
});

export const malformed = {
  status: 400,
  type: 'application/json',
  body: { code: 'malformed', msg: 'the json request could not be decoded' },
};
