import { systemClock } from '../../src/clock.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import { seedAccount } from '../../src/sandbox/twilio-seed.ts';
import { openSipServer } from '../sip-server.ts';
import type { AcceptanceSettings } from './settings.ts';

export interface Rehearsal extends AsyncDisposable {
  settings: AcceptanceSettings;
  sandbox: Sandbox;
}

/** Stand-ins for both vendors and a SIP server, with an account and a number that was routed somewhere. */
export const openRehearsal = async (more: Partial<AcceptanceSettings> = {}): Promise<Rehearsal> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  const sip = await openSipServer({ transport: 'tcp' });
  const phone_number = '+15552345678';
  const voice_url = 'https://voice.example.com/answer?token=a-token-of-theirs';
  const { sid, auth_token } = await seedAccount(sandbox.shelf, [{ phone_number, voice_url, voice_method: 'GET' }]);
  return {
    settings: {
      account_sid: sid,
      user: sid,
      secret: auth_token,
      credentials: { auth_token },
      phone_number,
      livekit: { ...sandbox.livekit, sip_host: `localhost:${sip.port}` },
      twilio_api_url: sandbox.url,
      mongodb_uri: undefined,
      ...more,
    },
    sandbox,
    [Symbol.asyncDispose]: async () => {
      await sip[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
};
