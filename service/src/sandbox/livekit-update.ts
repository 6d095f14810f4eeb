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
import { faultOfInbound, faultOfMedia, faultOfOutbound, faultOfRule } from './livekit-rules.ts';
import { refuse, TwirpError } from './livekit-wire.ts';

/** An update replaces the whole thing, or changes the fields that it names. */
type Action<Info, Update> =
  | { case: 'replace'; value: Info }
  | { case: 'update'; value: Update }
  | { case: undefined; value?: undefined };

export const applyInboundUpdate = (
  sipTrunkId: string,
  found: SIPInboundTrunkInfo | undefined,
  action: Action<SIPInboundTrunkInfo, SIPInboundTrunkUpdate>,
): SIPInboundTrunkInfo => {
  refuse(faultOfId('trunk', sipTrunkId));
  if (!action.value) throw noAction();
  if (action.case === 'replace') {
    refuse(faultOfReplacedId('trunk', sipTrunkId, action.value.sipTrunkId) ?? faultOfInbound(action.value));
    exists('trunk', found);
    return new SIPInboundTrunkInfo({ ...action.value, sipTrunkId });
  }
  const { numbers, allowedAddresses, allowedNumbers, authUsername, authPassword, authRealm, name, metadata, media } =
    action.value;
  refuse(faultOfLists(numbers, allowedAddresses, allowedNumbers) ?? faultOfMedia(media));
  const trunk = exists('trunk', found);
  const updated = new SIPInboundTrunkInfo({
    ...trunk,
    numbers: applyList(trunk.numbers, numbers),
    allowedAddresses: applyList(trunk.allowedAddresses, allowedAddresses),
    allowedNumbers: applyList(trunk.allowedNumbers, allowedNumbers),
    ...given({ authUsername, authPassword, authRealm, name, metadata }),
    ...applyMedia(trunk, action.value),
  });
  const fault = faultOfInbound(updated);
  refuse(fault && `twirp error unknown: ${fault}`);
  return updated;
};

export const applyOutboundUpdate = (
  sipTrunkId: string,
  found: SIPOutboundTrunkInfo | undefined,
  action: Action<SIPOutboundTrunkInfo, SIPOutboundTrunkUpdate>,
): SIPOutboundTrunkInfo => {
  refuse(faultOfId('trunk', sipTrunkId));
  if (!action.value) throw noAction();
  if (action.case === 'replace') {
    refuse(faultOfReplacedId('trunk', sipTrunkId, action.value.sipTrunkId) ?? faultOfOutbound(action.value));
    exists('trunk', found);
    return new SIPOutboundTrunkInfo({ ...action.value, sipTrunkId });
  }
  const { numbers, address, transport, destinationCountry, authUsername, authPassword, name, metadata, fromHost } =
    action.value;
  refuse(faultOfLists(numbers) ?? faultOfMedia(action.value.media));
  const trunk = exists('trunk', found);
  const updated = new SIPOutboundTrunkInfo({
    ...trunk,
    numbers: applyList(trunk.numbers, numbers),
    ...given({ address, transport, destinationCountry, authUsername, authPassword, name, metadata, fromHost }),
    ...applyMedia(trunk, action.value),
  });
  const fault = faultOfOutbound(updated);
  if (fault !== undefined) throw TwirpError.unknown(fault);
  return updated;
};

export const applyRuleUpdate = (
  sipDispatchRuleId: string,
  found: SIPDispatchRuleInfo | undefined,
  action: Action<SIPDispatchRuleInfo, SIPDispatchRuleUpdate>,
): SIPDispatchRuleInfo => {
  refuse(faultOfId('rule', sipDispatchRuleId));
  if (!action.value) throw noAction();
  if (action.case === 'replace') {
    refuse(faultOfReplacedId('rule', sipDispatchRuleId, action.value.sipDispatchRuleId) ?? faultOfRule(action.value));
    exists('dispatch rule', found);
    return new SIPDispatchRuleInfo({ ...action.value, sipDispatchRuleId });
  }
  const { trunkIds, name, metadata, attributes } = action.value;
  refuse(faultOfLists(trunkIds) ?? faultOfMedia(action.value.media));
  const rule = exists('dispatch rule', found);
  const kept = Object.entries({ ...rule.attributes, ...attributes }).filter(([, value]) => value !== '');
  return new SIPDispatchRuleInfo({
    ...rule,
    trunkIds: applyList(rule.trunkIds, trunkIds),
    ...given({ name, metadata, rule: action.value.rule }),
    attributes: Object.fromEntries(kept),
    ...applyMedia(rule, action.value),
  });
};

const faultOfId = (what: 'trunk' | 'rule', id: string) => (id ? undefined : `${what} id must be set`);

const faultOfReplacedId = (what: 'trunk' | 'rule', id: string, inside: string) =>
  inside === '' || inside === id ? undefined : `${what} id in the info must be empty or match the id in the update`;

const noAction = () => TwirpError.invalid('missing or unsupported update action');

const exists = <Info>(what: 'trunk' | 'dispatch rule', found: Info | undefined): Info => {
  if (found === undefined) throw TwirpError.notFound(`requested sip ${what} does not exist`);
  return found;
};

const given = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

const faultOfLists = (...updates: (ListUpdate | undefined)[]): string | undefined => {
  for (const { set, add, remove, clear } of updates.filter((update) => update !== undefined)) {
    const changes = set.length + add.length + remove.length > 0;
    if (!clear && !changes) return 'unsupported list update operation';
    if (clear && changes) return 'cannot clear and change the list at the same time';
    if (set.length > 0 && add.length + remove.length > 0) return 'cannot set and change the list at the same time';
    if ([...set, ...add, ...remove].includes('')) return 'empty element in the list';
  }
  return undefined;
};

const applyList = (list: string[], update: ListUpdate | undefined): string[] => {
  if (update === undefined) return list;
  const { set, add, remove, clear } = update;
  if (clear) return [];
  if (set.length > 0) return set;
  const changed = [...list];
  for (const item of remove) {
    const at = changed.indexOf(item);
    if (at !== -1) changed.splice(at, 1);
  }
  for (const item of add) if (!changed.includes(item)) changed.push(item);
  return changed;
};

interface Media {
  media?: SIPMediaConfig | undefined;
  mediaEncryption?: SIPMediaEncryption | undefined;
}

/** Any change sets `media`. The older field counts only if `media` has no encryption. */
const applyMedia = (info: Media, { media, mediaEncryption }: Media) => {
  const config = upgradeMedia(media ?? info.media, mediaEncryption ?? info.mediaEncryption);
  return { media: config, mediaEncryption: config.encryption ?? SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE };
};

/** Copies the older field into the newer one. */
export const upgradeMedia = (
  media: SIPMediaConfig | undefined,
  mediaEncryption: SIPMediaEncryption = SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
): SIPMediaConfig => {
  const config = new SIPMediaConfig(media);
  if (config.encryption === undefined && mediaEncryption !== SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE)
    config.encryption = mediaEncryption;
  return config;
};
