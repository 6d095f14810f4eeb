/**
 * What a stored row becomes in the next schema, by collection; a collection that is not named stays as it is. Pure, and
 * complete in itself: the shapes of today change, these do not. A row that is given back unchanged is not written.
 */
export type Upgrade = Readonly<Record<string, (row: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;

/**
 * The first makes schema 2 of schema 1, and so on. Another entry comes with each change that rows or code of the former
 * version would not bear: a field that is moved or must be there, and a changed unique index, also without any row to turn.
 */
export const upgrades: readonly Upgrade[] = [
  // 2: a stored request is unique for the API key that sent it.
  {},
];
