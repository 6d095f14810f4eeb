/** Further ones are only counted. */
const MOST_NAMED = 10;

/** Names things by their ids, as in `The inbound trunk ST_1`, or `3 inbound trunks (ST_1, ST_2, ST_3)`. */
export const listed = (kind: string, things: readonly { resource_id: string }[], count = things.length): string => {
  const named = things.slice(0, MOST_NAMED).map(({ resource_id }) => resource_id);
  if (count === 1) return `The ${kind} ${named[0]}`;
  return `${count} ${kind}s (${named.join(', ')}${count > named.length ? ' and others' : ''})`;
};
