import { NOTHING_CHANGED } from './failure.ts';

/** https://www.twilio.com/docs/api/errors/21248 */
export const DOMAIN_NAME_TAKEN = 21_248;
/** The update was not done, but a retry may succeed. https://www.twilio.com/docs/api/errors/20162 */
export const UPDATED_BY_ANOTHER = 20_162;
/** Means a missing permission or wrong credentials. https://www.twilio.com/docs/api/errors/70051 */
const AUTHORIZATION_FAILED = 70_051;

/**
 * Twilio's error codes by their reason. Each has a page, https://www.twilio.com/docs/api/errors/<code>, but few pages
 * name the HTTP status. Codes in no row have no known reason.
 */
const codes = {
  /** Wrong credentials, those of a test account, or of a suspended or closed account. */
  credentials: [10_001, 20_003, 20_005, 20_008, 21_472],
  /** A restricted key, or an account that Twilio has restricted. */
  permission: [403, 20_006, 20_010, 20_403, AUTHORIZATION_FAILED],
  trial: [10_002, 21_404],
  country_rules: [21_613, 21_615, 21_628, 21_629, 21_631, 21_649, 21_650, 21_651, 22_300],
  gone_or_moving: [20_404, 20_409, 21_422, 21_458],
  limit: [21_239, 21_242, 21_244, 21_249],
  name_taken: [21_240, 21_245],
  domain_name_taken: [DOMAIN_NAME_TAKEN],
  emergency: [21_634],
} as const satisfies Record<string, readonly number[]>;

/** Reasons for a refusal that the owner of the account can fix. */
export type Reason = keyof typeof codes;

const reasons = new Map<number, Reason>(
  (Object.keys(codes) as Reason[]).flatMap((reason) => codes[reason].map((code): [number, Reason] => [code, reason])),
);

/** Undefined if unknown. A key may lack one permission; a token has them all, so its credentials must be wrong. */
export const reasonOf = (
  { status, code }: { status: number; code: number | undefined },
  by: 'api_key' | 'auth_token',
): Reason | undefined => {
  const reason = code === undefined ? undefined : reasons.get(code);
  if (code === AUTHORIZATION_FAILED && by === 'auth_token') return 'credentials';
  return reason ?? (status === 401 ? 'credentials' : undefined);
};

/** What to do about each reason. */
export const advice: Record<Exclude<Reason, 'credentials'>, string> = {
  trial: 'Upgrade the trial account, or stay within the limits of a trial.',
  country_rules:
    "Complete the number's regulatory bundle or address in the Twilio console, under Phone Numbers, Regulatory Compliance.",
  gone_or_moving:
    'Check the number in the Twilio console: it may be moving to or from another carrier or account, or it may have left this one.',
  limit: 'Remove what you no longer use in the Twilio console, or ask Twilio for a higher limit.',
  name_taken: 'In the Twilio console, remove or rename what already has this name.',
  domain_name_taken: 'The domain name of a trunk is random: import again to get another.',
  emergency: 'Turn off emergency calling for the number in the Twilio console.',
  permission:
    'Give the API key that permission, or replace it with a standard key. If the key already has every permission, check in the Twilio console what the account may do.',
};

/** What each call does, in the words of its error messages. */
export const acts = {
  proveCredentials: "read the account's phone numbers",
  seeTrunks: 'list SIP trunks',
  seeCredentialLists: 'list SIP credential lists',
  isTrial: 'read the account',
  findNumber: "read the account's phone numbers",
  listNumbers: "read the account's phone numbers",
  findCallerId: 'list verified caller IDs',
  listCallerIds: 'list verified caller IDs',
  readNumber: 'read the phone number',
  routeToTrunk: 'update the phone number',
  giveBack: 'update the phone number',
  detach: 'update the phone number',
  readRegion: 'read the inbound processing Region of a phone number',
  seeRegion: 'read the inbound processing Region of a phone number',
  setRegion: 'set the inbound processing Region of a phone number',
  createTrunk: 'create a SIP trunk',
  findTrunks: 'list SIP trunks',
  isTrunkThere: 'read a SIP trunk',
  changeTrunk: 'update a SIP trunk',
  removeTrunk: 'delete a SIP trunk',
  createOriginationUrl: 'create an origination URL of a SIP trunk',
  findOriginationUrls: 'list the origination URLs of a SIP trunk',
  pointOriginationUrl: 'update an origination URL of a SIP trunk',
  removeOriginationUrl: 'delete an origination URL of a SIP trunk',
  createCredentialList: 'create a SIP credential list',
  findCredentialLists: 'list SIP credential lists',
  removeCredentialList: 'delete a SIP credential list',
  createCredential: 'create a SIP credential',
  findCredentials: 'list SIP credentials',
  removeCredential: 'delete a SIP credential',
  permit: 'give a SIP trunk a credential list',
  findPermissions: 'list the credential lists of a SIP trunk',
  readTrunkRegion: 'read the inbound processing Region of a SIP trunk',
  setTrunkRegion: 'set the inbound processing Region of a SIP trunk',
  revoke: 'take a credential list off a SIP trunk',
} as const;

export type TwilioCall = keyof typeof acts;

/** Calls that make parts of the integration's trunk. Imports wait for these parts and never roll them back. */
const ofTheCarrierTrunk: TwilioCall[] = [
  'createTrunk',
  'createOriginationUrl',
  'createCredentialList',
  'createCredential',
  'permit',
];

export const staysOf = (call: TwilioCall): string | undefined => {
  if (['listNumbers', 'listCallerIds', 'seeRegion'].includes(call)) return NOTHING_CHANGED;
  return ofTheCarrierTrunk.includes(call)
    ? "The parts of the integration's trunk that exist at Twilio stay, and the next import continues from there."
    : undefined;
};
