import { Conflict, Gone, isNotFound, type Part, type Seen } from '../provisioning/index.ts';
import { type CallTransfers, type CarrierPartName, DEFAULT_REGION, type IntegrationRecord } from './record.ts';

/** How a trunk treats calls. */
export interface TrunkSettings {
  /** Twilio's Secure Trunking. */
  secure: boolean;
  /** Absent: unchanged. */
  call_transfers?: CallTransfers;
}

/**
 * The carrier's side of an integration: what a trunk is made of at Twilio. Names carry our mark. Every call may throw a
 * `ProviderProblem`. Removing something that does not exist succeeds.
 */
export interface TrunkAccount {
  /** Throws `Conflict` if the domain name is taken, by any Twilio account. */
  createTrunk(trunk: { name: string; domain_name: string } & TrunkSettings): Promise<string>;
  /** The trunks with this name, and the settings that they are made for. */
  findTrunks(name: string): Promise<Seen[]>;
  /** Changes it in place. False: there is no such trunk. */
  changeTrunk(trunk_sid: string, settings: TrunkSettings): Promise<boolean>;
  removeTrunk(trunk_sid: string): Promise<void>;
  /** Sets where the trunk sends the calls that it takes. */
  createOriginationUrl(trunk_sid: string, origination: { name: string; sip_url: string }): Promise<string>;
  findOriginationUrls(trunk_sid: string, name: string): Promise<Seen[]>;
  /** False: there is no such URL. */
  pointOriginationUrl(trunk_sid: string, origination_url_sid: string, sip_url: string): Promise<boolean>;
  removeOriginationUrl(trunk_sid: string, origination_url_sid: string): Promise<void>;
  createCredentialList(name: string): Promise<string>;
  findCredentialLists(name: string): Promise<string[]>;
  removeCredentialList(credential_list_sid: string): Promise<void>;
  createCredential(credential_list_sid: string, credential: { username: string; password: string }): Promise<string>;
  findCredentials(credential_list_sid: string, username: string): Promise<string[]>;
  removeCredential(credential_list_sid: string, credential_sid: string): Promise<void>;
  /** Lets holders of a credential of the list dial out through the trunk. */
  permit(trunk_sid: string, credential_list_sid: string): Promise<string>;
  findPermissions(trunk_sid: string, credential_list_sid: string): Promise<string[]>;
  revoke(trunk_sid: string, credential_list_sid: string): Promise<void>;
  /** The Region that handles calls to the trunk's domain. Undefined: none was set. */
  readTrunkRegion(domain_name: string): Promise<{ resource_id: string; voice_region: string } | undefined>;
  /** Returns the id of the setting. Calls may take minutes to follow it. */
  setTrunkRegion(domain_name: string, voice_region: string): Promise<string>;
}

export interface CarrierJob {
  record: IntegrationRecord;
  account: TrunkAccount;
  admitRemoval(): Promise<void>;
  /** Our mark: everything is made with this name. */
  name: string;
  /** Twilio's Secure Trunking. */
  secure: boolean;
  /** Null: keep what is set at Twilio. */
  call_transfers: CallTransfers | null;
  /** Where Twilio sends calls: `sip:host;transport=…`. */
  sip_url: string;
  /** The pair in force, or for `rotation` the one that is not. */
  credentials(of: 'carrier' | 'rotation'): Promise<{ username: string; password: string }>;
  /** Chooses another domain name and stores it before it is sent. */
  rename(): Promise<void>;
}

const settingsOf = ({ secure, call_transfers }: CarrierJob) => ({ secure, ...(call_transfers && { call_transfers }) });
const always = () => true;
const seen = (sids: string[]): Seen[] => sids.map((resource_id) => ({ resource_id }));

/** If what a part depends on was deleted, throws `Gone` once, so that all parts are looked up and made again. */
const onWhatIsThere = async ({ record }: CarrierJob, make: () => Promise<string>): Promise<string> => {
  try {
    return await make();
  } catch (error) {
    if (!isNotFound(error) || record.provisioning.uncertain_until !== null) throw error;
    throw new Gone();
  }
};

/** A user name and password in the trunk's list: the pair in force and, during a rotation, another one beside it. */
const credentialPart = (
  name: 'credential' | 'other_credential',
  of: 'carrier' | 'rotation',
): Part<CarrierJob, CarrierPartName> => ({
  name,
  after: ['credential_list'],
  when: ({ rotation }) => of === 'carrier' || (rotation !== null && rotation.state !== 'unused'),
  applies: (record) => record[of] !== null,
  make: async (job) => {
    const credentials = await job.credentials(of);
    return onWhatIsThere(job, () => job.account.createCredential(made(job, 'credential_list'), credentials));
  },
  look: async (job) => {
    const { username } = job.record[of] ?? {};
    if (username === undefined || !has(job, 'credential_list')) return [];
    return seen(await job.account.findCredentials(made(job, 'credential_list'), username));
  },
  remove: (job, credential_sid) => job.account.removeCredential(made(job, 'credential_list'), credential_sid),
});

/** How an integration's own trunk is made at Twilio. Imports wait for it and never undo it. */
export const carrierParts: readonly Part<CarrierJob, CarrierPartName>[] = [
  {
    name: 'trunk',
    after: [],
    when: always,
    content: settingsOf,
    make: (job) => createTrunk(job),
    look: ({ account, name }) => account.findTrunks(name),
    change: async (job, trunk_sid) =>
      (await job.account.changeTrunk(trunk_sid, settingsOf(job))) ? trunk_sid : undefined,
    remove: ({ account }, trunk_sid) => account.removeTrunk(trunk_sid),
  },
  {
    name: 'credential_list',
    after: [],
    when: always,
    make: ({ account, name }) => account.createCredentialList(name),
    look: async ({ account, name }) => seen(await account.findCredentialLists(name)),
    remove: ({ account }, credential_list_sid) => account.removeCredentialList(credential_list_sid),
  },
  {
    name: 'origination_url',
    after: ['trunk'],
    when: always,
    content: ({ sip_url }) => ({ sip_url }),
    make: (job) => onWhatIsThere(job, () => job.account.createOriginationUrl(made(job, 'trunk'), job)),
    look: async (job) => (has(job, 'trunk') ? job.account.findOriginationUrls(made(job, 'trunk'), job.name) : []),
    change: async (job, sid) =>
      (await job.account.pointOriginationUrl(made(job, 'trunk'), sid, job.sip_url)) ? sid : undefined,
    remove: (job, origination_url_sid) => job.account.removeOriginationUrl(made(job, 'trunk'), origination_url_sid),
  },
  credentialPart('credential', 'carrier'),
  credentialPart('other_credential', 'rotation'),
  {
    name: 'permission',
    after: ['trunk', 'credential_list'],
    when: always,
    make: (job) => onWhatIsThere(job, () => job.account.permit(made(job, 'trunk'), made(job, 'credential_list'))),
    look: async (job) =>
      has(job, 'trunk') && has(job, 'credential_list')
        ? seen(await job.account.findPermissions(made(job, 'trunk'), made(job, 'credential_list')))
        : [],
    remove: (job) => job.account.revoke(made(job, 'trunk'), made(job, 'credential_list')),
  },
  // Outbound calls go to the trunk's domain, which Twilio handles in one Region. If none was set, that is not ours.
  // https://www.twilio.com/docs/global-infrastructure/regional-sip-trunks
  {
    name: 'region',
    after: ['trunk'],
    when: ({ region, has_routing_credentials }) => region !== null && has_routing_credentials,
    content: ({ record }) => ({ voice_region: record.region, domain_name: record.carrier.domain_name }),
    make: setRegion,
    look: async ({ record: { carrier, region }, account }) => {
      const { domain_name } = carrier;
      const found = await account.readTrunkRegion(domain_name);
      if (found?.voice_region !== region) return [];
      return [{ resource_id: found.resource_id, content: { voice_region: found.voice_region, domain_name } }];
    },
    change: setRegion,
  },
];

function setRegion({ account, record: { carrier, region } }: CarrierJob): Promise<string> {
  return account.setTrunkRegion(carrier.domain_name, region ?? DEFAULT_REGION);
}

const MOST_NAMES = 3;

/** A domain name is unique at Twilio, and stays reserved for 30 days after its trunk is deleted (error 21248). */
async function createTrunk(job: CarrierJob, names = 1): Promise<string> {
  try {
    return await job.account.createTrunk({
      name: job.name,
      domain_name: job.record.carrier.domain_name,
      ...settingsOf(job),
    });
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const [own] = await job.account.findTrunks(job.name);
    if (own !== undefined) return own.resource_id;
    if (names === MOST_NAMES) throw error;
    await job.rename();
    return createTrunk(job, names + 1);
  }
}

/** Whether a part exists on which others depend: without it, they do not exist either. */
const has = ({ record }: CarrierJob, part: CarrierPartName): boolean =>
  record.provisioning.parts[part]?.state !== 'undone' && Boolean(record.provisioning.parts[part]?.resource_id);

const made = ({ record }: CarrierJob, part: CarrierPartName): string => {
  const resource_id = record.provisioning.parts[part]?.resource_id;
  if (!resource_id) throw new Error(`${record.integration_id} needs ${part}, which is not done`);
  return resource_id;
};

/** Whether everything that calls need exists already. */
export const isReady = (record: IntegrationRecord): boolean =>
  carrierParts.every(
    ({ name, when }) =>
      name === 'other_credential' || !when(record) || record.provisioning.parts[name]?.state === 'done',
  );

/** When the reconciler must look at an integration that nobody is working on. */
export const dueAt = ({ provisioning, rotation }: IntegrationRecord): Date | undefined =>
  provisioning.uncertain_until ?? rotation?.at;
