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
  SIPDispatchRuleInfo,
  type SIPOutboundTrunkInfo,
  SIPTrunkInfo,
  UpdateSIPDispatchRuleRequest,
  UpdateSIPInboundTrunkRequest,
  UpdateSIPOutboundTrunkRequest,
} from '@livekit/protocol';
import express, { type Router } from 'express';
import type { Clock } from '../clock.ts';
import type { Faults } from './faults.ts';
import { conflictingRule, conflictingTrunk } from './livekit-conflicts.ts';
import { faultOfInbound, faultOfOutbound, faultOfRule } from './livekit-rules.ts';
import { createThings, isForNumbers, isForTrunks, isNamed, shareOne } from './livekit-things.ts';
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

/**
 * LiveKit's SIP API as in livekit-server v1.13.5: trunks and dispatch rules, their validation and conflicts, and
 * Twirp's errors. It takes no calls.
 */
export const createLiveKitStandIn = ({ shelf, faults, clock, api_key, api_secret }: LiveKitStandInOptions): Router => {
  const { inbound, outbound, rules } = createThings(shelf);
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

  method('CreateSIPInboundTrunk', CreateSIPInboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuse(faultOfInbound(trunk));
    refuse(conflictingTrunk(interleave(await inbound.list(isForNumbers(trunk.numbers)), trunk)));
    // The server checks, then stores, so concurrent creates of one number can all pass: callers must prevent that.
    await othersHadTheirTurn();
    trunk.sipTrunkId = drawId('ST_');
    return inbound.put(trunk);
  });

  method('CreateSIPOutboundTrunk', CreateSIPOutboundTrunkRequest, async ({ trunk }) => {
    if (!trunk) throw TwirpError.invalid('missing trunk');
    if (trunk.sipTrunkId) throw TwirpError.invalid('trunk id must not be set');
    refuse(faultOfOutbound(trunk));
    trunk.sipTrunkId = drawId('ST_');
    return outbound.put(trunk);
  });

  method('CreateSIPDispatchRule', CreateSIPDispatchRuleRequest, async (request) => {
    const rule = request.dispatchRule ? upgraded(request.dispatchRule) : ruleOfLegacyFields(request);
    if (rule.sipDispatchRuleId) throw TwirpError.invalid('rule id must not be set');
    refuse(faultOfRule(rule));
    refuse(conflictingRule(interleave(await rules.list(isForTrunks(request.trunkIds)), rule)));
    await othersHadTheirTurn();
    rule.sipDispatchRuleId = drawId('SDR_');
    return rules.put(rule);
  });

  method('ListSIPInboundTrunk', ListSIPInboundTrunkRequest, async ({ numbers, trunkIds, page }) => {
    const isIt = isForNumbers(numbers);
    const items = await inbound.list((trunk) => isIt(trunk) && isNamed(trunkIds, trunk.sipTrunkId), page);
    return new ListSIPInboundTrunkResponse({ items });
  });

  method('ListSIPOutboundTrunk', ListSIPOutboundTrunkRequest, async ({ numbers, trunkIds, page }) => {
    const isIt = (trunk: SIPOutboundTrunkInfo) =>
      shareOne(numbers, trunk.numbers) && isNamed(trunkIds, trunk.sipTrunkId);
    return new ListSIPOutboundTrunkResponse({ items: await outbound.list(isIt, page) });
  });

  method('ListSIPDispatchRule', ListSIPDispatchRuleRequest, async ({ dispatchRuleIds, trunkIds, page }) => {
    const isIt = isForTrunks(trunkIds);
    const items = await rules.list((rule) => isIt(rule) && isNamed(dispatchRuleIds, rule.sipDispatchRuleId), page);
    return new ListSIPDispatchRuleResponse({ items });
  });

  method('UpdateSIPInboundTrunk', UpdateSIPInboundTrunkRequest, async ({ sipTrunkId, action }) => {
    const updated = applyInboundUpdate(sipTrunkId, await inbound.get(sipTrunkId), action);
    // As the server does: listed by its new numbers, the trunk itself is missing, so a clash goes unnoticed.
    const others = await inbound.list(isForNumbers(updated.numbers));
    refuse(conflictingTrunk(others.map((one) => (one.sipTrunkId === sipTrunkId ? updated : one))));
    return inbound.put(updated);
  });

  method('UpdateSIPOutboundTrunk', UpdateSIPOutboundTrunkRequest, async ({ sipTrunkId, action }) => {
    return outbound.put(applyOutboundUpdate(sipTrunkId, await outbound.get(sipTrunkId), action));
  });

  method('UpdateSIPDispatchRule', UpdateSIPDispatchRuleRequest, async ({ sipDispatchRuleId, action }) => {
    const updated = applyRuleUpdate(sipDispatchRuleId, await rules.get(sipDispatchRuleId), action);
    const others = await rules.list(isForTrunks(updated.trunkIds));
    refuse(conflictingRule(others.map((one) => (one.sipDispatchRuleId === sipDispatchRuleId ? updated : one))));
    return rules.put(updated);
  });

  // Deleting an unknown trunk succeeds; rules that name a deleted one stay.
  method('DeleteSIPTrunk', DeleteSIPTrunkRequest, async ({ sipTrunkId }) => {
    if (!sipTrunkId) throw TwirpError.invalid('trunk ID is required');
    await Promise.all([inbound.remove(sipTrunkId), outbound.remove(sipTrunkId)]);
    return new SIPTrunkInfo({ sipTrunkId });
  });

  method('DeleteSIPDispatchRule', DeleteSIPDispatchRuleRequest, async ({ sipDispatchRuleId }) => {
    if (!sipDispatchRuleId) throw TwirpError.invalid('dispatch rule ID is required');
    const rule = await rules.get(sipDispatchRuleId);
    if (!rule) throw TwirpError.notFound('requested sip dispatch rule does not exist');
    await rules.remove(sipDispatchRuleId);
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

/** The server checks the first existing one, then the new one, then the rest. Its messages depend on this order. */
const interleave = <T>([first, ...rest]: T[], added: T): T[] =>
  first === undefined ? [added] : [first, added, ...rest];

const routeOf = ({ method, originalUrl }: express.Request): string => `${method} ${originalUrl}`;

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
