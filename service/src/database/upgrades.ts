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
  // 4: a record says which change is under way, and holds its number by a field of its own; one that is gone stays as a row.
  {
    phone_numbers: (row) => ({ ...recordOf4(row), holds: row.phone_number }),
    tombstones: (row) => {
      const gone = recordOf4({ ...Object(row.record), _id: row._id });
      const due_at = row.due_at === undefined ? {} : { due_at: row.due_at };
      return {
        ...gone,
        provisioning_state: 'gone',
        provisioning: {
          ...Object(gone.provisioning),
          change: null,
          lease_token: null,
          uncertain_until: null,
          ...due_at,
        },
        expires_at: new Date(Number(row.at) + 90 * 24 * 3_600_000),
      };
    },
    integrations: (row) => ({
      ...row,
      queue: row.integration_id,
      provisioning: partsOf4(Object(row.provisioning)),
    }),
  },
  // 5: settings are kept as they were asked for, each of them, with a revision; what trunks were called is in what was
  // sent. An account has an integration in each Region; `us1` is none. An integration
  // that is gone stays as a row, as numbers do.
  {
    phone_numbers: (row) => recordOf5(row),
    // Of a database of schema 3 they are moved only when all rows are turned.
    tombstones: (row) => recordOf5(row),
    integrations: (row) => ({
      ...{ revision: 1, state: 'active', holds: row.account_sid },
      ...row,
      ...(row.region === 'us1' && { region: null }),
    }),
  },
];

/** Rows of one collection that belong to another, once its former indexes are gone. */
export const moved = [{ from: 'tombstones', to: 'phone_numbers' }] as const;

const recordOf5 = (row: Row): Row => {
  const ofEither = {
    ...{ revision: 1, assigned_agent_id: null, agent_metadata: null, label: null, description: null },
    ...{ inbound_pin: null, inbound_pin_version: null },
  };
  if (row.provider !== 'sip') return { ...ofEither, ...row };
  const { sip_username, inbound_authentication, allowed_addresses }: Row = row;
  const derived =
    Array.isArray(allowed_addresses) && allowed_addresses.length === 0 && sip_username ? 'digest' : 'none';
  const provisioning: Row = Object(row.provisioning);
  const parts: Row = Object(provisioning.parts);
  const named = Object.entries({ inbound_trunk: 'in', outbound_trunk: 'out' }).flatMap(([part, end]) => {
    const { sent, ...made }: Row = Object(parts[part]);
    return sent ? [[part, { ...made, sent: { ...Object(sent), name: `${row.sip_trunk_name}-${end}` } }] as const] : [];
  });
  return {
    ...ofEither,
    ...{ sip_username: null, sip_password: null, sip_password_version: null },
    ...{ sip_server_address: null, sip_from_host: null },
    ...row,
    inbound_authentication: inbound_authentication === derived ? null : inbound_authentication,
    provisioning: { ...provisioning, parts: { ...parts, ...Object.fromEntries(named) } },
  };
};

const partsOf4 = ({ steps, doubtful_until, ...provisioning }: Row): Row => ({
  ...provisioning,
  uncertain_until: doubtful_until ?? null,
  parts: steps ?? {},
});

const recordOf4 = ({ replace_existing_routing, ...row }: Row): Row => {
  const { steps, doubtful_until, failure, releasing, assigning, due_at, ...provisioning }: Row = Object(
    row.provisioning,
  );
  const { verify_ownership, ...parts }: Row = Object(steps);
  const verified: Row = Object(verify_ownership);
  const importer: Row = Object(provisioning.imported_by);
  const at = row.updated_at;
  const byKey = ({ key_id, request_id }: Row) => ({ actor: { key_id }, request_id, at });
  const change = (): Row | null => {
    if (releasing) {
      const { actor, request_id, force }: Row = Object(releasing);
      return { kind: 'release', wanted: null, actor, request_id, ...(force === true && { force }), at };
    }
    if (row.provisioning_state === 'importing') {
      const replaces = replace_existing_routing === true && { replace_existing_routing };
      return { kind: 'import', wanted: {}, ...byKey(importer), ...replaces };
    }
    if (!assigning) return null;
    const { agent_id: assigned_agent_id }: Row = Object(assigning);
    const [kind, status] = assigned_agent_id ? ['assign', 'assigned'] : ['unassign', 'free'];
    return { kind, wanted: { status, assigned_agent_id: assigned_agent_id ?? null }, ...byKey(Object(assigning)) };
  };
  return {
    ...row,
    queue: row.integration_id ?? row.organization_id,
    // As LiveKit has it: its end was taken off on the way there.
    inbound_room_name: String(row.inbound_room_name).replace(/[-_*]+$/, ''),
    provisioning: {
      ...provisioning,
      uncertain_until: doubtful_until ?? null,
      ...(due_at !== undefined && { due_at }),
      parts,
      known: { number_sid: verified.resource_id ?? null, verified_at: verified.at ?? null },
      change: change(),
      outcome: failure ?? null,
    },
  };
};
