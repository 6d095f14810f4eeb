import { Problem } from '@trunkline/contracts';

/** The revisions that a caller accepts, if it names any. */
export type IfRevision = number | readonly number[] | undefined;

/** Throws if the revision is not one that the caller accepts. */
export const requireRevisionOf = (id: string, revision: number, if_revision: IfRevision): void => {
  if (if_revision === undefined || [if_revision].flat().includes(revision)) return;
  throw new Problem(
    'precondition_failed',
    `${id} is at revision ${revision}: it was changed after you read it. Read it again, then decide whether to retry.`,
  );
};
