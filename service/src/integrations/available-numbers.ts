import type { AvailableNumber, Pagination, ParsedListAvailableNumbers } from '@trunkline/contracts';
import pLimit from 'p-limit';
import { notACursor, readTextCursor, writeTextCursor } from '../database/page.ts';
import { isRefusal } from '../provisioning/index.ts';
import { maskUrl } from '../telemetry/mask-url.ts';
import { DEFAULT_REGION, type IntegrationRecord } from './record.ts';

/** A number in the account's list. */
export interface ListedNumber extends Pick<AvailableNumber, 'phone_number' | 'label' | 'capabilities'> {
  /** Twilio's id: `PN…`. */
  number_sid: string;
  routing: Pick<AvailableNumber['routing'], 'voice_url' | 'voice_application_sid' | 'trunk_sid'>;
}

/** Where the account's list continues, in the provider's terms. */
interface Place {
  page: number;
  page_token: string;
}

export interface NumberList {
  /** A page of the numbers that the account owns, in a stable order. Throws a `ProviderProblem`. */
  listNumbers(page: {
    page_size: number;
    after: Place | undefined;
  }): Promise<{ numbers: ListedNumber[]; next: Place | null }>;
}

/** For each number, in order: its holder, and why an import would be refused. `trunk_sid`: the integration's own. */
export type ForeseeImports = (
  organization_id: IntegrationRecord['organization_id'],
  numbers: readonly Pick<ListedNumber, 'phone_number' | 'routing'>[],
  trunk_sid: string | undefined,
) => Promise<Pick<AvailableNumber, 'phone_number_id' | 'import_problem'>[]>;

export interface RegionTable {
  /** The Region whose configuration takes a number's calls. Undefined: none was set. Throws a `ProviderProblem`. */
  seeRegion(phone_number: string): Promise<{ voice_region: string } | undefined>;
}

const READS_AT_ONCE = 10;

/** Lists the account's voice numbers, with the problem that an import of each would meet, and with `regions` its Region. */
export const createAvailableNumbers =
  (foreseeImports: ForeseeImports) =>
  async (
    { integration_id, organization_id, provisioning, region }: IntegrationRecord,
    account: NumberList,
    { cursor, page_size }: Pick<ParsedListAvailableNumbers, 'cursor' | 'page_size'>,
    regions?: RegionTable,
  ): Promise<{ data: AvailableNumber[]; pagination: Pagination }> => {
    const after = cursor === undefined ? undefined : placeIn(cursor, integration_id);
    const { numbers, next } = await account.listNumbers({ page_size, after });
    const voice = numbers.filter(({ capabilities }) => capabilities.voice);
    const own_trunk_sid = provisioning.parts.trunk?.resource_id ?? undefined;
    const [foreseen, inForce] = await Promise.all([
      foreseeImports(organization_id, voice, own_trunk_sid),
      regions && pLimit(READS_AT_ONCE).map(voice, ({ phone_number }) => voiceRegionOf(regions, phone_number)),
    ]);
    const data = foreseen.flatMap((seen, n) => {
      const number = voice[n];
      const voice_region = inForce?.[n] ?? null;
      if (number === undefined) return [];
      const { number_sid, ...shown } = number;
      const isElsewhere = voice_region !== null && voice_region !== (region ?? DEFAULT_REGION);
      const import_problem = seen.import_problem ?? (isElsewhere ? 'number_routed_elsewhere' : null);
      return [{ ...shown, routing: describeRouting(number, own_trunk_sid), ...seen, voice_region, import_problem }];
    });
    const next_cursor = next && writeTextCursor(`${integration_id} ${next.page} ${next.page_token}`);
    return { data, pagination: { next_cursor, has_more: next !== null, page_size, total_count: null } };
  };

/** Null: the credentials lack the permission to read it. */
const voiceRegionOf = async (regions: RegionTable, phone_number: string): Promise<string | null> => {
  try {
    return (await regions.seeRegion(phone_number))?.voice_region ?? DEFAULT_REGION;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
};

const describeRouting = ({ routing }: ListedNumber, own_trunk_sid: string | undefined): AvailableNumber['routing'] => {
  const { voice_url, voice_application_sid, trunk_sid } = routing;
  return {
    target: targetOf(routing),
    voice_url: voice_url && maskUrl(voice_url),
    voice_application_sid,
    trunk_sid,
    trunk_owner: trunk_sid === null ? null : trunk_sid === own_trunk_sid ? 'integration' : 'other',
  };
};

/** In Twilio's own order. https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource */
const targetOf = ({ trunk_sid, voice_application_sid, voice_url }: ListedNumber['routing']) => {
  if (trunk_sid) return 'trunk';
  if (voice_application_sid) return 'voice_application';
  return voice_url ? 'voice_url' : 'nothing';
};

/** A cursor is valid only for the account that it came from. */
const placeIn = (cursor: string, integration_id: string): Place => {
  const [, of, page, page_token] = /^(\S+) ([0-9]{1,6}) (\S+)$/.exec(readTextCursor(cursor)) ?? [];
  if (of !== integration_id || page_token === undefined) throw notACursor();
  return { page: Number(page), page_token };
};
