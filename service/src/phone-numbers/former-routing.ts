import { FormerRouting } from '@trunkline/contracts';
import { LRUCache } from 'lru-cache';
import { type Secrets, UnopenedSecret } from '../database/secrets.ts';
import { maskUrl } from '../telemetry/mask-url.ts';
import type { PhoneNumberRecord, TwilioRecord } from './record.ts';

type Routed = Pick<TwilioRecord, 'phone_number_id' | 'former_routing'>;

const placeOf = ({ phone_number_id }: Pick<Routed, 'phone_number_id'>) =>
  `phone_numbers/${phone_number_id}/former_routing` as const;

export const sealRouting = (
  secrets: Secrets,
  record: Pick<Routed, 'phone_number_id'>,
  routing: FormerRouting,
): Promise<string> => secrets.seal(JSON.stringify(routing), placeOf(record));

/** How Twilio routed the number before us, unmasked: only to send to Twilio. */
export const openRouting = async (secrets: Secrets, record: Routed): Promise<FormerRouting | null> => {
  const { former_routing } = record;
  if (typeof former_routing !== 'string') return former_routing;
  return FormerRouting.parse(JSON.parse(await secrets.open(former_routing, placeOf(record))));
};

const MOST_REMEMBERED = 10_000;

/**
 * The same, masked for callers: a voice URL often contains a password or token. Cached by the stored text, because
 * decrypting costs more than the rest of a read.
 */
export const createMaskedRouting = (secrets: Secrets) => {
  const remembered = new LRUCache<string, FormerRouting>({ max: MOST_REMEMBERED });

  return async (record: PhoneNumberRecord): Promise<FormerRouting | null> => {
    if (record.provider !== 'twilio') return null;
    const stored =
      typeof record.former_routing === 'string' ? `${placeOf(record)} ${record.former_routing}` : undefined;
    const known = stored && remembered.get(stored);
    if (known) return known;
    const routing = await openRouting(secrets, record).catch((error: unknown) => {
      // Without the key, the routing is unreadable, but the rest of the record is not.
      if (error instanceof UnopenedSecret) return null;
      throw error;
    });
    if (routing === null) return null;
    const masked = maskRouting(routing);
    if (stored) remembered.set(stored, masked);
    return masked;
  };
};

const maskRouting = (routing: FormerRouting): FormerRouting => {
  const mask = (url: string | null) => url && maskUrl(url);
  return { ...routing, voice_url: mask(routing.voice_url), voice_fallback_url: mask(routing.voice_fallback_url) };
};
