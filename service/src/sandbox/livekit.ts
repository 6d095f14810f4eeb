import { randomInt } from 'node:crypto';
import {
  CreateSIPDispatchRuleRequest,
  CreateSIPInboundTrunkRequest,
  CreateSIPOutboundTrunkRequest,
  DeleteSIPDispatchRuleRequest,
  DeleteSIPTrunkRequest,
  ListSIPDispatchRuleRequest,
  ListSIPInboundTrunkRequest,
  ListSIPOutboundTrunkRequest,
  SIPDispatchRuleInfo,
  SIPInboundTrunkInfo,
  SIPOutboundTrunkInfo,
  SIPTrunkInfo,
  UpdateSIPDispatchRuleRequest,
  UpdateSIPInboundTrunkRequest,
  UpdateSIPOutboundTrunkRequest,
} from '@livekit/protocol';
import express, { type Router } from 'express';
import type { Clock } from '../clock.ts';
import type { Faults } from './faults.ts';
import { conflictingRule, conflictingTrunk, normaliseNumber, refuseInbound, refuseOutbound } from './livekit-rules.ts';
import { applyInboundUpdate, applyOutboundUpdate, applyRuleUpdate } from './livekit-update.ts';
import { authorize, emit, type MessageType, parse, TwirpError } from './livekit-wire.ts';
import type { Shelf } from './shelf.ts';
import { serve } from './stand-in.ts';

export interface LiveKitStandInOptions {
  shelf: Shelf;
  faults: Faults;
  clock: Clock;
  api_key: string;
  api_secret: string;
}

const INBOUND = 'livekit.inbound_trunk';
const OUTBOUND = 'livekit.outbound_trunk';
const RULE = 'livekit.dispatch_rule';

/**
 * LiveKit's SIP interface as livekit-server v1.13.5 speaks it: trunks and dispatch rules, their validation and
 * conflicts, Twirp's errors. It takes no calls.
 */
export const createLiveKitStandIn = ({ shelf, faults, clock, api_key, api_secret }: LiveKitStandInOptions): Router => {
  const router = express.Router();
  router.use(express.text({ type: () => true, limit: '10mb' }));

  const method = <Request>(
    name: string,
    Request: MessageType<Request>,
    answer: (request: Request) => Promise<object>,
  ): void => {
    const act = async (req: express.Request) => {
      try {
        await authorize(req.headers.authorization, api_key, api_secret);
        return { status: 200, body: await answer(parse(Request, req.body)) };
      } catch (error) {
        if (error instanceof TwirpError) return error.reply;
        throw error;
      }
    };
    router.post(`/twirp/livekit.SIP/${name}`, serve(`livekit.${name}`, act, { faults, clock }));
  };

  const all = async <T>(kind: string, Type: MessageType<T>): Promise<T[]> => {
    const stored = await shelf.list<object>(kind);
    return stored.map((json) => Type.fromJson(json as never));
  };
  const allInbound = async () => (await all(INBOUND, SIPInboundTrunkInfo)).toSorted(by(({ sipTrunkId }) => sipTrunkId));
  const allOutbound = async () =>
    (await all(OUTBOUND, SIPOutboundTrunkInfo)).toSorted(by(({ sipTrunkId }) => sipTrunkId));
  const allRules = async () =>
    (await all(RULE, SIPDispatchRuleInfo)).toSorted(by(({ sipDispatchRuleId }) => sipDispatchRuleId));

  const storeInbound = async (trunk: SIPInboundTrunkInfo) => {
    await shelf.put(INBOUND, trunk.sipTrunkId, trunk.toJson() as object);
    return emit(trunk);
  };
  const storeOutbound = async (trunk: SIPOutboundTrunkInfo) => {
    await shelf.put(OUTBOUND, trunk.sipTrunkId, trunk.toJson() as object);
    return emit(trunk);
  };
  const storeRule = async (rule: SIPDispatchRuleInfo) => {
    await shelf.put(RULE, rule.sipDispatchRuleId, rule.toJson() as object);
    return emit(rule);
  };

  /** Those that share a number, and those for all numbers. */
  const inboundFor = async (numbers: string[]) => {
    const wanted = numbers.map(normaliseNumber);
    const trunks = await allInbound();
    return trunks.filter(
      (trunk) =>
        numbers.length === 0 ||
        trunk.numbers.length === 0 ||
        trunk.numbers.some((number) => wanted.includes(normaliseNumber(number))),
    );
  };
  const rulesFor = async (trunkIds: string[]) => {
    const rules = await allRules();
    return rules.filter(
      (rule) =>
        trunkIds.length === 0 || rule.trunkIds.length === 0 || rule.trunkIds.some((id) => trunkIds.includes(id)),
    );
  };

  method('CreateSIPInboundTrunk', CreateSIPInboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuseInbound(trunk);
    refuseWhere(conflictingTrunk(interleave(await inboundFor(trunk.numbers), trunk)));
    trunk.sipTrunkId = drawId('ST_');
    return storeInbound(trunk);
  });

  method('CreateSIPOutboundTrunk', CreateSIPOutboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuseOutbound(trunk);
    trunk.sipTrunkId = drawId('ST_');
    return storeOutbound(trunk);
  });

  method('CreateSIPDispatchRule', CreateSIPDispatchRuleRequest, async (request) => {
    const rule = request.dispatchRule ?? ruleOfLegacyFields(request);
    if (rule.rule === undefined) throw TwirpError.invalid('missing rule');
    if (rule.sipDispatchRuleId) throw TwirpError.invalid('rule id must not be set');
    refuseWhere(conflictingRule(interleave(await rulesFor(request.trunkIds), rule)));
    rule.sipDispatchRuleId = drawId('SDR_');
    return storeRule(rule);
  });

  method('ListSIPInboundTrunk', ListSIPInboundTrunkRequest, async ({ numbers, trunkIds }) => {
    const trunks = await inboundFor(numbers);
    return { items: trunks.filter(({ sipTrunkId }) => named(trunkIds, sipTrunkId)).map(emit) };
  });

  method('ListSIPOutboundTrunk', ListSIPOutboundTrunkRequest, async ({ numbers, trunkIds }) => {
    const trunks = await allOutbound();
    const ofNumber = (trunk: SIPOutboundTrunkInfo) =>
      numbers.length === 0 || trunk.numbers.some((number) => numbers.includes(number));
    return { items: trunks.filter((trunk) => ofNumber(trunk) && named(trunkIds, trunk.sipTrunkId)).map(emit) };
  });

  method('ListSIPDispatchRule', ListSIPDispatchRuleRequest, async ({ dispatchRuleIds, trunkIds }) => {
    const rules = await rulesFor(trunkIds);
    return { items: rules.filter(({ sipDispatchRuleId }) => named(dispatchRuleIds, sipDispatchRuleId)).map(emit) };
  });

  method('UpdateSIPInboundTrunk', UpdateSIPInboundTrunkRequest, async ({ sipTrunkId, action }) => {
    const trunk = (await allInbound()).find((one) => one.sipTrunkId === sipTrunkId);
    const updated = applyInboundUpdate(sipTrunkId, trunk, action);
    const others = await inboundFor(updated.numbers);
    refuseWhere(conflictingTrunk(others.map((one) => (one.sipTrunkId === sipTrunkId ? updated : one))));
    return storeInbound(updated);
  });

  method('UpdateSIPOutboundTrunk', UpdateSIPOutboundTrunkRequest, async ({ sipTrunkId, action }) => {
    const trunk = (await allOutbound()).find((one) => one.sipTrunkId === sipTrunkId);
    return storeOutbound(applyOutboundUpdate(sipTrunkId, trunk, action));
  });

  method('UpdateSIPDispatchRule', UpdateSIPDispatchRuleRequest, async ({ sipDispatchRuleId, action }) => {
    const rule = (await allRules()).find((one) => one.sipDispatchRuleId === sipDispatchRuleId);
    const updated = applyRuleUpdate(sipDispatchRuleId, rule, action);
    const others = await rulesFor(updated.trunkIds);
    refuseWhere(conflictingRule(others.map((one) => (one.sipDispatchRuleId === sipDispatchRuleId ? updated : one))));
    return storeRule(updated);
  });

  // Deleting an unknown trunk succeeds; rules that name a deleted one stay.
  method('DeleteSIPTrunk', DeleteSIPTrunkRequest, async ({ sipTrunkId }) => {
    if (!sipTrunkId) throw TwirpError.invalid('trunk ID is required');
    await shelf.remove(INBOUND, sipTrunkId);
    await shelf.remove(OUTBOUND, sipTrunkId);
    return emit(new SIPTrunkInfo({ sipTrunkId }));
  });

  method('DeleteSIPDispatchRule', DeleteSIPDispatchRuleRequest, async ({ sipDispatchRuleId }) => {
    if (!sipDispatchRuleId) throw TwirpError.invalid('dispatch rule ID is required');
    const rule = (await allRules()).find((one) => one.sipDispatchRuleId === sipDispatchRuleId);
    if (!rule) throw TwirpError.notFound('requested sip dispatch rule does not exist');
    await shelf.remove(RULE, sipDispatchRuleId);
    return emit(rule);
  });

  router.all('/twirp/{*path}', (req, res) => {
    const route = `${req.method} ${req.originalUrl}`;
    const msg =
      req.method === 'POST'
        ? `no handler for path "${req.originalUrl}"`
        : `unsupported method "${req.method}" (only POST is allowed)`;
    res
      .status(404)
      .setHeader('Content-Type', 'application/json')
      .end(JSON.stringify({ code: 'bad_route', msg, meta: { twirp_invalid_route: route } }));
  });

  return router;
};

const by =
  <T>(key: (item: T) => string) =>
  (a: T, b: T) =>
    key(a) < key(b) ? -1 : 1;

const named = (ids: string[], id: string): boolean => ids.length === 0 || ids.includes(id);

/** The server looks at the first of those that exist, then at the new one, then at the rest; its messages depend on it. */
const interleave = <T>([first, ...rest]: T[], added: T): T[] =>
  first === undefined ? [added] : [first, added, ...rest];

const refuseWhere = (conflict: string | undefined): void => {
  if (conflict !== undefined) throw TwirpError.invalid(conflict);
};

const ruleOfLegacyFields = (request: CreateSIPDispatchRuleRequest): SIPDispatchRuleInfo => {
  const { trunkIds, hidePhoneNumber, inboundNumbers, name, metadata, attributes, roomPreset } = request;
  return new SIPDispatchRuleInfo({
    trunkIds,
    hidePhoneNumber,
    inboundNumbers,
    name,
    metadata,
    attributes,
    roomPreset,
    ...(request.rule && { rule: request.rule }),
    ...(request.roomConfig && { roomConfig: request.roomConfig }),
  });
};

const letters = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const drawId = (prefix: string): string =>
  prefix + Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join('');
