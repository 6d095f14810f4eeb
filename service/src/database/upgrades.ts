import type { Secrets } from './secrets.ts';

/**
 * What a stored row becomes in the next schema, by collection; a collection that is not named stays as it is. Pure, and
 * complete in itself: the shapes of today change, these do not. A row that is given back unchanged is not written.
 */
export type Upgrade = Readonly<Record<string, (row: Row, tools: UpgradeTools) => Row | Promise<Row>>>;

type Row = Readonly<Record<string, unknown>>;
export type UpgradeTools = Pick<Secrets, 'seal'>;

/**
 * The first makes schema 2 of schema 1, and so on. Another entry comes with each change that rows or code of the former
 * version would not bear: a field that is moved or must be there, and a changed unique index, also without any row to turn.
 */
export const upgrades: readonly Upgrade[] = [
  // 2: a stored request is unique for the API key that sent it.
  {},
  // 3: the routing that a number had before us is sealed: a voice URL may hold a password.
  {
    phone_numbers: async (row, { seal }) => {
      const { phone_number_id, former_routing } = row;
      if (typeof former_routing !== 'object' || former_routing === null) return row;
      const place = `phone_numbers/${phone_number_id}/former_routing` as const;
      return { ...row, former_routing: await seal(JSON.stringify(former_routing), place) };
    },
    tombstones: async (row, { seal }) => {
      const former_routing: unknown = Reflect.get(Object(row.record), 'former_routing');
      if (typeof former_routing !== 'object' || former_routing === null) return row;
      const place = `phone_numbers/${row.phone_number_id}/former_routing` as const;
      return {
        ...row,
        record: { ...Object(row.record), former_routing: await seal(JSON.stringify(former_routing), place) },
      };
    },
    // Code of schema 1 does not ask for the schema: it refuses a database of another LiveKit project.
    installations: (row) => ({
      ...row,
      project: row.project ?? row.livekit_project,
      livekit_project: 'a later version of Trunkline, which has upgraded it',
    }),
  },
];
