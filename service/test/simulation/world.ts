import type { FormerRouting } from '@trunkline/contracts';
import { pick, type Roll } from './chance.ts';
import { type Account, type CarrierNumber, createProviders, type Providers, unrouted } from './providers.ts';
import type { Settings } from './replica.ts';
import type { Mood } from './seams.ts';

/** A Twilio number of the run. */
export interface OwnedNumber {
  account: Account;
  number: CarrierNumber;
  /** The routing that its owner set last. Undefined: it was changed while the service was working on it, so it is unknown. */
  own: FormerRouting | undefined;
  /** Whether somebody changed something of it at a provider. */
  isTouched: boolean;
}

interface SipNumber {
  phone_number: string;
  isTouched: boolean;
}

export interface Scene {
  providers: Providers;
  owned: OwnedNumber[];
  sip: SipNumber[];
  /** Must never appear anywhere in clear. */
  secrets: Set<string>;
}

const former: Record<string, Partial<FormerRouting>> = {
  nowhere: {},
  url: { voice_url: 'https://user:Hidden-url@example.com/voice', voice_method: 'GET' },
  application: { voice_application_sid: `AP${'1'.repeat(32)}`, voice_url: 'https://example.com/behind' },
  trunk: {},
};

/** Two accounts, which both organizations integrate. */
export const drawScene = (roll: Roll): Scene => {
  const providers = createProviders();
  const owned: OwnedNumber[] = [];
  for (const nth of [1, 2]) {
    const account: Account = {
      ...{ sid: `AC${String(nth).repeat(32)}`, is_suspended: false },
      ...{ numbers: new Map(), trunks: new Map(), lists: new Map() },
    };
    providers.accounts.set(account.sid, account);
    for (let n = 0; n < 2; n++) {
      const kind = pick(['nowhere', 'url', 'url', 'application', 'trunk'], roll);
      const routing = { ...unrouted, ...former[kind] };
      if (kind === 'trunk') {
        routing.trunk_sid = providers.draw('TK');
        const theirs = {
          name: 'Theirs',
          domain_name: `theirs-${nth}${n}.pstn.twilio.com`,
          secure: false,
          call_transfers: 'disabled',
        };
        account.trunks.set(routing.trunk_sid, { ...theirs, permitted: new Set(), urls: new Map() });
      }
      const has_voice = roll() < 0.95;
      const number = { number_sid: providers.draw('PN'), phone_number: `+1555000${nth}00${n}`, has_voice, routing };
      account.numbers.set(number.number_sid, number);
      owned.push({ account, number, own: { ...routing }, isTouched: false });
    }
  }
  return {
    providers,
    owned,
    sip: ['+15550009000', '+15550009001'].map((phone_number) => ({ phone_number, isTouched: false })),
    secrets: new Set(['Hidden-url']),
  };
};

/** Each kind of disturbance is frequent in some runs, and rare or absent in others. */
export const drawMood = (roll: Roll): Mood => ({
  provider_fails: pick([0, 0.02, 0.08, 0.25], roll),
  database_fails: pick([0, 0, 0.005, 0.03], roll),
  lags: pick([0, 0.1, 0.4], roll),
  slow: pick([0, 0.03, 0.15], roll),
  stalls: pick([0, 0.002, 0.01], roll),
  dies: pick([0, 0.003, 0.01], roll),
});

export const drawSettings = (roll: Roll): Settings => ({
  TWILIO_SIGNALLING_ADDRESSES: pick(['54.172.60.0/30', '54.172.60.0/30,54.244.51.0/30'], roll),
  TWILIO_SECURE_TRUNKING: pick(['true', 'false'], roll),
  IMPORT_DEADLINE_SECONDS: pick(['25', '25', '12', '11'], roll),
  LEASE_SECONDS: pick(['30', '30', '20'], roll),
  sip_host: pick(['one.sip.example.com', 'two.sip.example.com'], roll),
});
