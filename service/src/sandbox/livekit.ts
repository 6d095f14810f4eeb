import { randomInt } from 'node:crypto';
import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import type { Message } from '@bufbuild/protobuf';
import {
  CreateSIPDispatchRuleRequest,
  CreateSIPInboundTrunkRequest,
  CreateSIPOutboundTrunkRequest,
  DeleteSIPDispatchRuleRequest,
  DeleteSIPTrunkRequest,
  ListSIPDispatchRuleRequest,
  ListSIPDispatchRuleResponse,
  ListSIPInboundTrunkRequest,
  ListSIPInboundTrunkResponse,
  ListSIPOutboundTrunkRequest,
  ListSIPOutboundTrunkResponse,
  type Pagination,
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
import { conflictingRule, conflictingTrunk, normaliseNumber } from './livekit-conflicts.ts';
import { faultOfInbound, faultOfOutbound, faultOfRule } from './livekit-rules.ts';
import { applyInboundUpdate, applyOutboundUpdate, applyRuleUpdate, upgradeMedia } from './livekit-update.ts';
import {
  authenticate,
  emit,
  encodingOf,
  type MessageType,
  parse,
  refuse,
  requireAdmin,
  TwirpError,
} from './livekit-wire.ts';
import type { Shelf } from './shelf.ts';
import { type Reply, send, serve } from './stand-in.ts';

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
  router.use('/twirp', express.raw({ type: () => true, limit: '10mb' }));

  const answering =
    (act: (req: express.Request) => Promise<Reply>) =>
    (req: express.Request): Promise<Reply> =>
      act(req).catch((error: unknown) => {
        if (error instanceof TwirpError) return error.reply;
        throw error;
      });
  const method = <Request>(
    name: string,
    Request: MessageType<Request>,
    answer: (request: Request) => Promise<Message>,
  ): void => {
    const act = answering(async (req) => {
      const claims = await authenticate(req.headers.authorization, api_key, api_secret);
      const encoding = encodingOf(req.headers['content-type'] ?? '', routeOf(req));
      const request = parse(Request, Buffer.from(req.body ?? ''), encoding);
      requireAdmin(claims);
      const answered = await answer(request);
      return { status: 200, body: encoding === 'protobuf' ? Buffer.from(answered.toBinary()) : emit(answered) };
    });
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
    return trunk;
  };
  const storeOutbound = async (trunk: SIPOutboundTrunkInfo) => {
    await shelf.put(OUTBOUND, trunk.sipTrunkId, trunk.toJson() as object);
    return trunk;
  };
  const storeRule = async (rule: SIPDispatchRuleInfo) => {
    await shelf.put(RULE, rule.sipDispatchRuleId, rule.toJson() as object);
    return rule;
  };

  const inboundFor = async (numbers: string[]) => (await allInbound()).filter(isFor(numbers));
  const rulesFor = async (trunkIds: string[]) =>
    (await allRules()).filter((rule) => intersect(trunkIds, rule.trunkIds));

  method('CreateSIPInboundTrunk', CreateSIPInboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuse(faultOfInbound(trunk));
    refuse(conflictingTrunk(interleave(await inboundFor(trunk.numbers), trunk)));
    // The server looks, then stores, so that several creates of one number at once may pass: whoever calls must see to it.
    await othersHadTheirTurn();
    trunk.sipTrunkId = drawId('ST_');
    return storeInbound(trunk);
  });

  method('CreateSIPOutboundTrunk', CreateSIPOutboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuse(faultOfOutbound(trunk));
    trunk.sipTrunkId = drawId('ST_');
    return storeOutbound(trunk);
  });

  method('CreateSIPDispatchRule', CreateSIPDispatchRuleRequest, async (request) => {
    const rule = request.dispatchRule ? upgraded(request.dispatchRule) : ruleOfLegacyFields(request);
    if (rule.sipDispatchRuleId) throw TwirpError.invalid('rule id must not be set');
    refuse(faultOfRule(rule));
    refuse(conflictingRule(interleave(await rulesFor(request.trunkIds), rule)));
    await othersHadTheirTurn();
    rule.sipDispatchRuleId = drawId('SDR_');
    return storeRule(rule);
  });

  method('ListSIPInboundTrunk', ListSIPInboundTrunkRequest, async ({ numbers, trunkIds, page }) => {
    const isIt = (trunk: SIPInboundTrunkInfo) => isFor(numbers)(trunk) && named(trunkIds, trunk.sipTrunkId);
    return new ListSIPInboundTrunkResponse({ items: paged(await allInbound(), page, (it) => it.sipTrunkId, isIt) });
  });

  method('ListSIPOutboundTrunk', ListSIPOutboundTrunkRequest, async ({ numbers, trunkIds, page }) => {
    const isIt = (trunk: SIPOutboundTrunkInfo) =>
      intersect(numbers, trunk.numbers) && named(trunkIds, trunk.sipTrunkId);
    return new ListSIPOutboundTrunkResponse({ items: paged(await allOutbound(), page, (it) => it.sipTrunkId, isIt) });
  });

  method('ListSIPDispatchRule', ListSIPDispatchRuleRequest, async ({ dispatchRuleIds, trunkIds, page }) => {
    const isIt = (rule: SIPDispatchRuleInfo) =>
      intersect(trunkIds, rule.trunkIds) && named(dispatchRuleIds, rule.sipDispatchRuleId);
    return new ListSIPDispatchRuleResponse({
      items: paged(await allRules(), page, (it) => it.sipDispatchRuleId, isIt),
    });
  });

  method('UpdateSIPInboundTrunk', UpdateSIPInboundTrunkRequest, async ({ sipTrunkId, action }) => {
    const trunk = (await allInbound()).find((one) => one.sipTrunkId === sipTrunkId);
    const updated = applyInboundUpdate(sipTrunkId, trunk, action);
    const others = await inboundFor(updated.numbers);
    refuse(conflictingTrunk(others.map((one) => (one.sipTrunkId === sipTrunkId ? updated : one))));
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
    refuse(conflictingRule(others.map((one) => (one.sipDispatchRuleId === sipDispatchRuleId ? updated : one))));
    return storeRule(updated);
  });

  // Deleting an unknown trunk succeeds; rules that name a deleted one stay.
  method('DeleteSIPTrunk', DeleteSIPTrunkRequest, async ({ sipTrunkId }) => {
    if (!sipTrunkId) throw TwirpError.invalid('trunk ID is required');
    await shelf.remove(INBOUND, sipTrunkId);
    await shelf.remove(OUTBOUND, sipTrunkId);
    return new SIPTrunkInfo({ sipTrunkId });
  });

  method('DeleteSIPDispatchRule', DeleteSIPDispatchRuleRequest, async ({ sipDispatchRuleId }) => {
    if (!sipDispatchRuleId) throw TwirpError.invalid('dispatch rule ID is required');
    const rule = (await allRules()).find((one) => one.sipDispatchRuleId === sipDispatchRuleId);
    if (!rule) throw TwirpError.notFound('requested sip dispatch rule does not exist');
    await shelf.remove(RULE, sipDispatchRuleId);
    return rule;
  });

  const noRoute = answering(async (req) => {
    await authenticate(req.headers.authorization, api_key, api_secret);
    if (!req.originalUrl.startsWith('/twirp/livekit.SIP/')) return { status: 404, body: '404 page not found\n' };
    const msg =
      req.method === 'POST'
        ? `no handler for path ${JSON.stringify(req.originalUrl)}`
        : `unsupported method ${JSON.stringify(req.method)} (only POST is allowed)`;
    throw TwirpError.badRoute(msg, routeOf(req));
  });
  router.all('/twirp/{*path}', async (req, res) => send(res, await noRoute(req)));

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

const routeOf = ({ method, originalUrl }: express.Request): string => `${method} ${originalUrl}`;

/** Those that share one, and those that name none. */
const intersect = (wanted: string[], own: string[]): boolean =>
  wanted.length === 0 || own.length === 0 || own.some((one) => wanted.includes(one));

const isFor = (numbers: string[]) => {
  const wanted = numbers.map(normaliseNumber);
  return (trunk: SIPInboundTrunkInfo): boolean => intersect(wanted, trunk.numbers.map(normaliseNumber));
};

const LONGEST_PAGE = 1000;

/** The server reads page after page by itself, whatever the limit, and stops at the first on which the filter leaves nothing. */
const paged = <T>(all: T[], page: Pagination | undefined, id: (item: T) => string, isIt: (item: T) => boolean): T[] => {
  if (page === undefined) return all.filter(isIt);
  const found: T[] = [];
  for (let after = page.afterId; ; ) {
    const read = all.filter((item) => id(item) > after).slice(0, page.limit > 0 ? page.limit : LONGEST_PAGE);
    const kept = read.filter(isIt);
    const last = kept.at(-1);
    if (last === undefined) return found;
    found.push(...kept);
    after = id(last);
  }
};

const upgraded = (rule: SIPDispatchRuleInfo): SIPDispatchRuleInfo =>
  new SIPDispatchRuleInfo({ ...rule, media: upgradeMedia(rule.media, rule.mediaEncryption) });

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
