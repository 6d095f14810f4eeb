import { isDeepStrictEqual } from 'node:util';
import type { PartRecord } from './lease.ts';
import type { Content, Seen } from './part.ts';

export interface Compared {
  /** What the part should hold; null: it should not exist. */
  wanted: Content | null;
  recorded: PartRecord | undefined;
  /** What the provider has. Undefined: it was not asked, and the record is trusted. */
  seen: readonly Seen[] | undefined;
}

/** What to do about one part. `surplus`: the ids of duplicates to remove. */
export type Action = { surplus: readonly string[] } & (
  | { act: 'leave'; resource_id: string | null }
  | { act: 'make'; was: string | null }
  | { act: 'change'; resource_id: string; differences: readonly string[] }
);

/** Compares a part as it is with what it should be: by what the provider reports, else by what it was sent. */
export const compare = ({ wanted, recorded, seen }: Compared): Action => {
  const was = recorded?.state === 'undone' ? null : (recorded?.resource_id ?? null);
  const known: readonly Seen[] = was === null || recorded?.state === 'failed' ? [] : [{ resource_id: was }];
  const there = seen ?? known;
  if (wanted === null)
    return { act: 'leave', resource_id: null, surplus: [...new Set([...known, ...there].map(idOf))] };
  const kept = there.find(({ resource_id }) => resource_id === was) ?? there[0];
  const surplus = there.filter((it) => it !== kept).map(idOf);
  if (!kept) return { act: 'make', was, surplus };
  const { resource_id } = kept;
  const is: Content = { ...(resource_id === was ? recorded?.sent : {}), ...kept.content };
  const differs = (name: string) => {
    if (name in is) return !isDeepStrictEqual(is[name], wanted[name]);
    // Send again what is unknown and not reported. Of what an earlier version sent, send the fields that it did not know.
    if (resource_id === was && recorded?.sent) return wanted[name] !== null;
    return isSentUnknown(recorded);
  };
  const differences = Object.keys(wanted).filter(differs);
  return differences.length > 0
    ? { act: 'change', resource_id, differences, surplus }
    : { act: 'leave', resource_id, surplus };
};

/** Whether the part exists, but what it was sent is no longer known. */
export const isSentUnknown = (recorded: PartRecord | undefined): boolean =>
  recorded?.state === 'done' && recorded.sent === undefined;

const idOf = ({ resource_id }: Seen): string => resource_id;
