import type { TwilioRecord } from './record.ts';

/** What Twilio reports of a number or its account that stops calls, or that users should know before rerouting them. */
export const conditions = [
  'receives_fax',
  'not_in_use',
  'address_missing',
  'emergency_registration_failed',
  'emergency_calling_active',
  'trial_account',
  'region_unknown',
  'trunk_region_unknown',
] as const;
export type Condition = (typeof conditions)[number];

/** Conditions that are not read from the number itself. */
export const isReadElsewhere = (condition: Condition): boolean =>
  ['trial_account', 'region_unknown', 'trunk_region_unknown'].includes(condition);

/** The warnings that callers read, only for the directions that were asked for. */
export const conditionWarnings = (record: TwilioRecord): string[] => {
  const { supports_inbound, supports_outbound } = record;
  const told = record.provisioning.known.conditions ?? [];
  return told.flatMap((condition) => {
    const { of, say } = sentences[condition];
    const concerns = { calls_in: supports_inbound, calls_out: supports_outbound, calls: true }[of];
    return concerns ? [say(record)] : [];
  });
};

type Numbered = Pick<TwilioRecord, 'phone_number'>;

const sentences: Record<Condition, { of: 'calls_in' | 'calls_out' | 'calls'; say(record: Numbered): string }> = {
  receives_fax: {
    of: 'calls_in',
    say: ({ phone_number }) =>
      `Twilio takes calls to ${phone_number} for faxes (voice_receive_mode fax), so they reach no agent. Set it to receive voice calls in the Twilio console.`,
  },
  not_in_use: {
    of: 'calls',
    say: ({ phone_number }) =>
      `Twilio does not list ${phone_number} as in use yet, so calls may fail. Check it in the Twilio console, under Phone Numbers, Active numbers.`,
  },
  address_missing: {
    of: 'calls',
    say: ({ phone_number }) =>
      `Twilio requires an address for ${phone_number}, and it has neither an address nor a regulatory bundle. Add one in the Twilio console, under Phone Numbers, Regulatory Compliance, before Twilio suspends the number.`,
  },
  emergency_registration_failed: {
    of: 'calls',
    say: ({ phone_number }) =>
      `Twilio could not register the emergency address of ${phone_number}. Check it in the Twilio console, under Phone Numbers, Emergency Calling.`,
  },
  emergency_calling_active: {
    of: 'calls_in',
    say: ({ phone_number }) =>
      `${phone_number} is in use for emergency calls at Twilio. When an emergency service calls it back, the call now reaches an agent.`,
  },
  region_unknown: {
    of: 'calls_in',
    say: ({ phone_number }) =>
      `The credentials of the integration lack the permission to read in which Region Twilio handles calls to ${phone_number}. If it is not the integration's Region, no call arrives. Set it in the Twilio console, in the number's configuration of the integration's Region (Route to). Or give the integration an API key of US1 that may read and update inbound processing Regions, as its own or as routing_credentials: the import then sets it.`,
  },
  trunk_region_unknown: {
    of: 'calls_out',
    say: () =>
      "Without routing_credentials, Trunkline cannot make Twilio handle outbound calls in the Region of the integration. Set it in the Twilio console, in the trunk's configuration of that Region (Termination), or integrate the account with routing_credentials.",
  },
  trial_account: {
    of: 'calls',
    say: () =>
      'The Twilio account is a trial: outbound calls reach only numbers that are verified there, and Twilio plays a message of its own first. Upgrade it in the Twilio console.',
  },
};
