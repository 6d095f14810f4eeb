import { isDeepStrictEqual } from 'node:util';
import {
  AgentMetadata,
  type Caller,
  faultsBetweenFields,
  importDefaults,
  invalidFields,
  type ParsedUpdatePhoneNumber,
  settingsOfSip,
} from '@trunkline/contracts';
import { drawToken } from '../database/ids.ts';
import type { Secrets } from '../database/secrets.ts';
import { type createChange, getOwn } from './change.ts';
import type { PhoneNumberRecord, Wanted } from './record.ts';
import { type SecretField, sealSetting } from './secret-settings.ts';
import { refuseLocalAddress } from './server-address.ts';
import type { PhoneNumberStore } from './store.ts';

export interface UpdateDependencies {
  store: PhoneNumberStore;
  change: ReturnType<typeof createChange>;
  secrets: Secrets;
  /** Whether a carrier may be on the machine that dials, as on a developer's. */
  allows_local_addresses: boolean;
}

/** Changes a number's settings. Fields that are not named stay; null restores the default of an import. */
export const createUpdate =
  ({ store, change, secrets, allows_local_addresses }: UpdateDependencies) =>
  async (caller: Caller, input: ParsedUpdatePhoneNumber): Promise<PhoneNumberRecord> => {
    const { phone_number_id, if_revision, replace_existing_routing, ...patch } = input;
    const record = await getOwn(store, caller, { phone_number_id, if_revision });
    requireOwnFields(record, input);
    const wanted = { ...settingsIn(record, patch), ...(await secretsIn(record, patch, secrets)) };
    requireConsistent({ ...record, ...wanted });
    if (!allows_local_addresses) refuseLocalAddress(wanted.sip_server_address);
    const replaces = replace_existing_routing ? ({ replace_existing_routing } as const) : {};
    return change(caller, record, { kind: 'update', wanted, ...replaces }, if_revision);
  };

type Patch = Omit<ParsedUpdatePhoneNumber, 'phone_number_id' | 'if_revision' | 'replace_existing_routing'>;

/** The settings that will change, without secrets. */
const settingsIn = (record: PhoneNumberRecord, patch: Patch): Wanted => {
  const { inbound_pin, sip_password, agent_id, agent_metadata, ...plain } = patch;
  const defaults = { ...importDefaults, sip_trunk_name: record.phone_number, allowed_addresses: [] };
  const asked = {
    ...Object.fromEntries(
      Object.entries(plain)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, value ?? Reflect.get(defaults, name) ?? null]),
    ),
    ...(agent_id !== undefined && { assigned_agent_id: agent_id, status: agent_id === null ? 'free' : 'assigned' }),
    ...(agent_metadata !== undefined && { agent_metadata: metadataFrom(record.agent_metadata, agent_metadata) }),
  };
  const differs = ([name, value]: [string, unknown]) => !isDeepStrictEqual(Reflect.get(record, name), value);
  // The record has the contract's names and types.
  return Object.fromEntries(Object.entries(asked).filter(differs)) as Wanted;
};

/** Merges the patch into the present metadata. Returns JSON. */
const metadataFrom = (was: string | null, patch: Record<string, unknown> | null): string | null => {
  if (patch === null) return null;
  const merged = AgentMetadata.safeParse(mergePatch(was === null ? {} : JSON.parse(was), patch));
  if (merged.error)
    throw invalidFields(merged.error.issues.map(({ message }) => ({ path: 'agent_metadata', message })));
  return JSON.stringify(merged.data);
};

/** RFC 7396, section 2. */
const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Re-encrypts the given secrets and has them sent again, even if they may be the same. */
const secretsIn = async (record: PhoneNumberRecord, patch: Patch, secrets: Secrets): Promise<Wanted> => {
  const { inbound_pin, sip_password } = patch;
  const seal = (field: SecretField, secret: string | null) =>
    sealSetting(secrets, record.phone_number_id, field, secret);
  const had = record.provider === 'sip' ? record.sip_password : null;
  return {
    ...((inbound_pin ?? (inbound_pin === null && record.inbound_pin)) && {
      inbound_pin: await seal('inbound_pin', inbound_pin ?? null),
      inbound_pin_version: drawToken(),
    }),
    ...((sip_password ?? (sip_password === null && had)) && {
      sip_password: await seal('sip_password', sip_password ?? null),
      sip_password_version: drawToken(),
    }),
  };
};

/** Throws if a field belongs to numbers of the other provider. */
const requireOwnFields = ({ provider }: PhoneNumberRecord, input: ParsedUpdatePhoneNumber): void => {
  const given = (name: string) => Reflect.get(input, name) !== undefined;
  const foreign = provider === 'sip' ? ['replace_existing_routing'] : Object.keys(settingsOfSip);
  const issues = foreign.filter(given).map((path) => ({ path, message: `is not a field of a number of ${provider}` }));
  if (issues.length > 0) throw invalidFields(issues);
};

/** Throws if the resulting settings contradict each other, as for an import. */
const requireConsistent = (wanted: PhoneNumberRecord & Wanted): void => {
  const given = Object.entries(wanted).filter(([, value]) => value !== null);
  const faults = faultsBetweenFields(Object.fromEntries(given));
  if (faults.length > 0) throw invalidFields(faults.map(([path, message]) => ({ path, message })));
};
