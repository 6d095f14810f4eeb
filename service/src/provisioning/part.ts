import type { Told } from './lease.ts';

/** What parts are made from: a record, and whatever else they need. */
export interface Work {
  record: unknown;
  /** Throws if repairs must remove nothing more. */
  admitRemoval?(): Promise<void>;
}

/** What a part holds at its provider, in our names. It never contains a secret, only whether there is one. */
export type Content = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Something at a provider that carries our mark. */
export interface Seen {
  resource_id: string;
  /** As much of it as the provider reports. */
  content?: Content;
}

/** One thing that is built at a provider. A resource's list of parts shows what is built, and in which order. */
export interface Part<Job extends Work, Name extends string> {
  name: Name;
  /** The parts that it needs first. Parts that do not need each other are built at the same time. */
  after: readonly Name[];
  /** It begins only when everything before it is written down, because undoing it needs that. */
  isRecordedBefore?: true;
  /** A look reports all of its content. */
  isReportedWhole?: true;
  /** Whether the record should have this part. */
  when(record: Job['record']): boolean;
  /** Whether the record may have had this part under other settings. Absent: the same as `when`. */
  applies?(record: Job['record']): boolean;
  /** What it should hold. Called right before acting, because a rule names its trunk. Absent: nothing that could differ. */
  content?(job: Job): Content;
  /** Makes it and returns the provider's id. `was`: the id of an earlier one that no longer exists. */
  make(job: Job, was: string | null): Promise<string>;
  /** Finds it at the provider. Absent: only the record is consulted. */
  look?(job: Job): Promise<Seen[]>;
  /** Changes the fields that differ in place, and leaves all others. Undefined: it no longer exists. */
  change?(job: Job, resource_id: string, differences: readonly string[]): Promise<string | undefined>;
  /** Returns what could not be restored, if anything. Removing something that does not exist succeeds. */
  remove?(job: Job, resource_id: string): Promise<void> | Promise<Told | undefined>;
}
