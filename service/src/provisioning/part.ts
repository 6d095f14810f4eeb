import type { Told } from './lease.ts';

/** What parts are made for: a record, and whatever else they need. */
export interface Work {
  record: unknown;
  /** Throws where repairing must take nothing more away. */
  admitRemoval?(): Promise<void>;
}

/** What a part holds at its provider, by our names. A secret is never in it, only whether there is one. */
export type Content = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What a provider has that carries our mark. */
export interface Seen {
  resource_id: string;
  /** As much of it as the provider tells. */
  content?: Content;
}

/** One thing that is built at a provider. The parts of a resource are a list: read it, and you know what is built in which order. */
export interface Part<Job extends Work, Name extends string> {
  name: Name;
  /** Begins once these are there. Parts that do not need each other are built together. */
  after: readonly Name[];
  /** It begins only when all that came before is written down: to undo it takes that. */
  isRecordedBefore?: true;
  /** Whether a record as it should be has it. */
  when(record: Job['record']): boolean;
  /** Whether a record can have had it under other settings. Absent: only as it should be. */
  applies?(record: Job['record']): boolean;
  /** What it should hold. Asked right before acting, since a rule names its trunk. Absent: nothing that could differ. */
  content?(job: Job): Content;
  /** Makes it, and tells the provider's id of it. `was`: the id of one that was there, and is not any more. */
  make(job: Job, was: string | null): Promise<string>;
  /** What of it the provider has. Without it only the record is asked. */
  look?(job: Job): Promise<Seen[]>;
  /** Changes in place the fields that differ, and leaves all others as they are. Undefined: it is not there any more. */
  change?(job: Job, resource_id: string, differences: readonly string[]): Promise<string | undefined>;
  /** Tells what could not be put back as it was, if anything. Removing what is not there succeeds. */
  remove?(job: Job, resource_id: string): Promise<void> | Promise<Told | undefined>;
}
