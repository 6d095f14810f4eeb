/** The accounts to use, read only from the environment. */
export interface AcceptanceSettings {
  account_sid: string;
  /** The SID of the account or of an API key. */
  user: string;
  secret: string;
  credentials: { auth_token: string } | { api_key_sid: string; api_key_secret: string };
  phone_number: string;
  livekit: { url: string; api_key: string; api_secret: string; sip_host: string };
  /** The URL of a stand-in, instead of Twilio's. */
  twilio_api_url: string | undefined;
  /** Instead of the embedded database. */
  mongodb_uri: string | undefined;
}

type Environment = Record<string, string | undefined>;

const needed: Record<string, string> = {
  TWILIO_ACCOUNT_SID: 'the account that has the number; first page of the Twilio console, AC…',
  TWILIO_AUTH_TOKEN: 'its auth token, on the same page; or TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET in its place',
  TWILIO_PHONE_NUMBER: 'a number of it that takes voice calls, as in +15551234567',
  LIVEKIT_URL: 'LiveKit Cloud, Settings, Project: wss://….livekit.cloud',
  LIVEKIT_API_KEY: 'LiveKit Cloud, Settings, API keys',
  LIVEKIT_API_SECRET: 'shown once, with the key',
  LIVEKIT_SIP_HOST: 'LiveKit Cloud, Settings, Project: the SIP URI without sip:',
};

/** Throws one message that names every missing setting and where to find it. */
export const readSettings = (environment: Environment): AcceptanceSettings => {
  const read = (name: string): string => environment[name]?.trim() ?? '';
  const [api_key_sid, api_key_secret] = [read('TWILIO_API_KEY_SID'), read('TWILIO_API_KEY_SECRET')];
  const byKey = api_key_sid !== '' && api_key_secret !== '';
  const missing = Object.entries(needed).filter(
    ([name]) => read(name) === '' && !(byKey && name === 'TWILIO_AUTH_TOKEN'),
  );
  if (missing.length > 0) {
    const width = Math.max(...missing.map(([name]) => name.length));
    throw new Error(
      `Set these environment variables, and run this again:\n${missing.map(([name, where]) => `  ${name.padEnd(width)}  ${where}`).join('\n')}`,
    );
  }
  const account_sid = read('TWILIO_ACCOUNT_SID');
  const auth_token = read('TWILIO_AUTH_TOKEN');
  return {
    account_sid,
    user: byKey ? api_key_sid : account_sid,
    secret: byKey ? api_key_secret : auth_token,
    credentials: byKey ? { api_key_sid, api_key_secret } : { auth_token },
    phone_number: read('TWILIO_PHONE_NUMBER'),
    livekit: {
      url: read('LIVEKIT_URL'),
      api_key: read('LIVEKIT_API_KEY'),
      api_secret: read('LIVEKIT_API_SECRET'),
      sip_host: read('LIVEKIT_SIP_HOST'),
    },
    twilio_api_url: read('TWILIO_API_URL') || undefined,
    mongodb_uri: read('MONGODB_URI') || undefined,
  };
};
