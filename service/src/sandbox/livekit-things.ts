import type { Message } from '@bufbuild/protobuf';
import { type Pagination, SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from '@livekit/protocol';
import { normaliseNumber } from './livekit-conflicts.ts';
import type { MessageType } from './livekit-wire.ts';
import type { Shelf } from './shelf.ts';

/** All things of one kind that LiveKit stores. */
export interface Things<T> {
  get(id: string): Promise<T | undefined>;
  /** The things that match, ordered by id. */
  list(isIt: (thing: T) => boolean, page?: Pagination): Promise<T[]>;
  put(thing: T): Promise<T>;
  remove(id: string): Promise<void>;
}

export const createThings = (shelf: Shelf) => ({
  inbound: keep(shelf, 'livekit.inbound_trunk', SIPInboundTrunkInfo, ({ sipTrunkId }) => sipTrunkId),
  outbound: keep(shelf, 'livekit.outbound_trunk', SIPOutboundTrunkInfo, ({ sipTrunkId }) => sipTrunkId),
  rules: keep(shelf, 'livekit.dispatch_rule', SIPDispatchRuleInfo, ({ sipDispatchRuleId }) => sipDispatchRuleId),
});

const keep = <T extends Message>(
  shelf: Shelf,
  kind: string,
  Type: MessageType<T>,
  idOf: (thing: T) => string,
): Things<T> => ({
  get: async (id) => {
    const stored = await shelf.get<object>(kind, id);
    return stored && Type.fromJson(stored as never);
  },
  list: async (isIt, page) => {
    const stored = await shelf.list<object>(kind);
    const all = stored.map((json) => Type.fromJson(json as never));
    return readPages(
      all.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)),
      idOf,
      isIt,
      page,
    );
  },
  put: async (thing) => {
    await shelf.put(kind, idOf(thing), thing.toJson() as object);
    return thing;
  },
  remove: async (id) => void (await shelf.remove(kind, id)),
});

const LONGEST_PAGE = 1000;

/** The server reads all pages whatever the limit, and stops at the first page on which nothing passes the filter. */
const readPages = <T>(all: T[], idOf: (thing: T) => string, isIt: (thing: T) => boolean, page?: Pagination): T[] => {
  if (page === undefined) return all.filter(isIt);
  const found: T[] = [];
  for (let after = page.afterId; ; ) {
    const read = all.filter((thing) => idOf(thing) > after).slice(0, page.limit > 0 ? page.limit : LONGEST_PAGE);
    const kept = read.filter(isIt);
    const last = kept.at(-1);
    if (last === undefined) return found;
    found.push(...kept);
    after = idOf(last);
  }
};

/** Whether the id is in the list; any id if the list is empty. */
export const isNamed = (ids: string[], id: string): boolean => ids.length === 0 || ids.includes(id);

/** Whether the lists have an entry in common; an empty list matches everything. */
export const shareOne = (wanted: string[], own: string[]): boolean =>
  wanted.length === 0 || own.length === 0 || own.some((one) => wanted.includes(one));

/** Matches trunks that share a number, however it is written, and trunks for all numbers. */
export const isForNumbers = (numbers: string[]) => {
  const wanted = numbers.map(normaliseNumber);
  return (trunk: SIPInboundTrunkInfo): boolean => shareOne(wanted, trunk.numbers.map(normaliseNumber));
};

export const isForTrunks =
  (trunkIds: string[]) =>
  (rule: SIPDispatchRuleInfo): boolean =>
    shareOne(trunkIds, rule.trunkIds);
