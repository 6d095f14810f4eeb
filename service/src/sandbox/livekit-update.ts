import {
  type ListUpdate,
  SIPDispatchRuleInfo,
  type SIPDispatchRuleUpdate,
  SIPInboundTrunkInfo,
  type SIPInboundTrunkUpdate,
  SIPMediaConfig,
  SIPMediaEncryption,
  SIPOutboundTrunkInfo,
  type SIPOutboundTrunkUpdate,
} from '@livekit/protocol';
import { refuseInbound, refuseOutbound } from './livekit-rules.ts';
import { TwirpError } from './livekit-wire.ts';

/** An update replaces the whole, or changes the fields that it names. */
type Action<Info, Update> =
  | { case: 'replace'; value: Info }
  | { case: 'update'; value: Update }
  | { case: undefined; value?: undefined };

export const applyInboundUpdate = (
  sipTrunkId: string,
  found: SIPInboundTrunkInfo | undefined,
  action: Action<SIPInboundTrunkInfo, SIPInboundTrunkUpdate>,
): SIPInboundTrunkInfo => {
  idIsSet('trunk', sipTrunkId);
  if (action.case === undefined) throw noAction();
  if (action.case === 'replace') refuseInbound(action.value);
  const trunk = exists('trunk', found);
  if (action.case === 'replace') return new SIPInboundTrunkInfo({ ...action.value, sipTrunkId });
  const { numbers, allowedAddresses, allowedNumbers, authUsername, authPassword, authRealm, name, metadata } =
    action.value;
  const updated = new SIPInboundTrunkInfo({
    ...trunk,
    numbers: applyList(trunk.numbers, numbers),
    allowedAddresses: applyList(trunk.allowedAddresses, allowedAddresses),
    allowedNumbers: applyList(trunk.allowedNumbers, allowedNumbers),
    ...given({ authUsername, authPassword, authRealm, name, metadata }),
    ...applyMedia(trunk, action.value),
  });
  refuseInbound(updated);
  return updated;
};

export const applyOutboundUpdate = (
  sipTrunkId: string,
  found: SIPOutboundTrunkInfo | undefined,
  action: Action<SIPOutboundTrunkInfo, SIPOutboundTrunkUpdate>,
): SIPOutboundTrunkInfo => {
  idIsSet('trunk', sipTrunkId);
  if (action.case === undefined) throw noAction();
  if (action.case === 'replace') refuseOutbound(action.value);
  const trunk = exists('trunk', found);
  if (action.case === 'replace') return new SIPOutboundTrunkInfo({ ...action.value, sipTrunkId });
  const { numbers, address, transport, destinationCountry, authUsername, authPassword, name, metadata, fromHost } =
    action.value;
  const updated = new SIPOutboundTrunkInfo({
    ...trunk,
    numbers: applyList(trunk.numbers, numbers),
    ...given({ address, transport, destinationCountry, authUsername, authPassword, name, metadata, fromHost }),
    ...applyMedia(trunk, action.value),
  });
  refuseOutbound(updated);
  return updated;
};

export const applyRuleUpdate = (
  sipDispatchRuleId: string,
  found: SIPDispatchRuleInfo | undefined,
  action: Action<SIPDispatchRuleInfo, SIPDispatchRuleUpdate>,
): SIPDispatchRuleInfo => {
  idIsSet('rule', sipDispatchRuleId);
  if (action.case === undefined) throw noAction();
  if (action.case === 'replace' && action.value.rule === undefined) throw TwirpError.invalid('missing rule');
  const rule = exists('dispatch rule', found);
  if (action.case === 'replace') return new SIPDispatchRuleInfo({ ...action.value, sipDispatchRuleId });
  const { trunkIds, name, metadata, attributes } = action.value;
  return new SIPDispatchRuleInfo({
    ...rule,
    trunkIds: applyList(rule.trunkIds, trunkIds),
    ...given({ name, metadata, rule: action.value.rule }),
    attributes: { ...rule.attributes, ...attributes },
    ...applyMedia(rule, action.value),
  });
};

const exists = <Info>(what: 'trunk' | 'dispatch rule', found: Info | undefined): Info => {
  if (found === undefined) throw TwirpError.notFound(`requested sip ${what} does not exist`);
  return found;
};

const idIsSet = (what: 'trunk' | 'rule', id: string): void => {
  if (!id) throw TwirpError.invalid(`${what} id must be set`);
};

const noAction = () => TwirpError.invalid('missing or unsupported update action');

const given = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

const applyList = (list: string[], update: ListUpdate | undefined): string[] => {
  if (update === undefined) return list;
  const { set, add, remove, clear } = update;
  const changes = set.length + add.length + remove.length > 0;
  if (!clear && !changes) throw TwirpError.invalid('unsupported list update operation');
  if (clear && changes) throw TwirpError.invalid('cannot clear and change the list at the same time');
  if (set.length > 0 && add.length + remove.length > 0)
    throw TwirpError.invalid('cannot set and change the list at the same time');
  if (clear) return [];
  if (set.length > 0) return set;
  const kept = list.filter((item) => !remove.includes(item));
  return [...kept, ...add.filter((item) => !kept.includes(item))];
};

interface Media {
  media?: SIPMediaConfig | undefined;
  mediaEncryption?: SIPMediaEncryption | undefined;
}

/** A change of any field leaves a `media` behind, and the older field counts where `media` names no encryption. */
const applyMedia = (info: Media, { media, mediaEncryption }: Media) => {
  const config = new SIPMediaConfig(media ?? info.media ?? {});
  const legacy = mediaEncryption ?? info.mediaEncryption ?? SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE;
  if (config.encryption === undefined && legacy !== SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE)
    config.encryption = legacy;
  return { media: config, mediaEncryption: legacy };
};
