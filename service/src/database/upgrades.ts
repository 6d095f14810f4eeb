import type { Secrets } from './secrets.ts';

/**
 * Upgrades a stored row to the next schema, by collection; other collections stay as they are. Must be pure and use no
 * shape of today's code, since shapes change and upgrades do not. A row that is returned unchanged is not written.
 */
export type Upgrade = Readonly<Record<string, (row: Row, tools: UpgradeTools) => Row | Promise<Row>>>;

type Row = Readonly<Record<string, unknown>>;
export type UpgradeTools = Pick<Secrets, 'seal'>;

/**
 * The first upgrades schema 1 to schema 2, and so on. Add an entry with each change that old rows or the previous
 * version's code cannot handle: a moved or required field, or a changed unique index, even if no row changes.
 */
export const upgrades: readonly Upgrade[] = [
  // 2: a stored request is unique for the API key that sent it.
  {},
  // 3: the former routing of a number is sealed, because a voice URL may hold a password.
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
    // Code of schema 1 does not check the schema, but refuses a database of another LiveKit project.
    installations: (row) => ({
      ...row,
      project: row.project ?? row.livekit_project,
      livekit_project: 'a later version of Trunkline, which has upgraded it',
    }),
  },
  // 4: a record has its change in progress, and a field of its own that holds its number. A removed one stays as a row.
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
  // 5: every setting is stored as it was asked for, with a revision, and trunk names are part of what was sent. An
  // account may have an integration in each Region, with null for `us1`. A removed integration stays as a row, as
  // numbers do.
  {
    phone_numbers: (row) => recordOf5(row),
    // Tombstones of a schema 3 database are moved only after all rows are upgraded.
    tombstones: (row) => recordOf5(row),
    integrations: (row) => ({
      ...{ revision: 1, state: 'active', holds: row.account_sid },
      ...row,
      ...(row.region === 'us1' && { region: null }),
    }),
  },
];

/** Collections whose rows move to another one, once its former indexes are dropped. */
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
    // As LiveKit has it: these trailing characters were removed when it was sent.
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
