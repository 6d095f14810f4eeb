import type { TestProject } from 'vitest/node';
import { findLiveKitServer } from './livekit-server.ts';
import { findLiveKitSip } from './livekit-sip.ts';
import { findRedis } from './redis.ts';

/** The programs that a real LiveKit is made of. */
export interface RealLiveKit {
  livekit_server: string;
  redis_server: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Null: some of it is missing, and what needs it is skipped. */
    real_livekit: RealLiveKit | null;
    /** What takes calls, and who places them. */
    real_calls: { livekit_sip: string; sipp: string } | null;
  }
}

/** Finds the real things once for all suites. In CI nothing but what cannot be had there may be skipped. */
export const setup = async (project: TestProject): Promise<void> => {
  const say = (line: string) => console.log(line);
  const found = await findRealLiveKit(say).catch((error: unknown) => {
    if (process.env.CI || !(error instanceof Error)) throw error;
    say(`Skipped: what needs a real LiveKit. ${error.message}`);
    return null;
  });
  project.provide('real_livekit', found);
  const { LIVEKIT_SIP_BINARY, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env;
  if (!LIVEKIT_SIP_BINARY) {
    say('Skipped: real calls. Name a livekit-sip in LIVEKIT_SIP_BINARY (https://github.com/livekit/sip builds one).');
  }
  project.provide('real_calls', LIVEKIT_SIP_BINARY && found ? await findLiveKitSip(process.env) : null);
  if (!TWILIO_ACCOUNT_SID || !TWILIO_AUTH_TOKEN) {
    say('Skipped: Twilio itself. Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; nothing is changed there.');
  }
};

const findRealLiveKit = async (say: (line: string) => void): Promise<RealLiveKit> => ({
  redis_server: await findRedis(process.env),
  livekit_server: await findLiveKitServer(process.env, say),
});
