import type { TestProject } from 'vitest/node';
import { findLiveKitServer } from './livekit-server.ts';
import { findLiveKitSip } from './livekit-sip.ts';
import { findRedis } from './redis.ts';
import { findSipp } from './sipp.ts';
import { buildWhoAnswers } from './who-answers.ts';

/** The programs that a real LiveKit is made of. */
export interface RealLiveKit {
  livekit_server: string;
  redis_server: string;
}

declare module 'vitest' {
  // Null: it is missing, and what needs it is skipped.
  interface ProvidedContext {
    real_livekit: RealLiveKit | null;
    livekit_sip: string | null;
    sipp: string | null;
    who_answers: string | null;
  }
}

/** Finds the real things once for all suites, and says of each that is missing what is skipped without it. */
export const setup = async (project: TestProject): Promise<void> => {
  const real_livekit = await orSkip('what needs a real LiveKit', findRealLiveKit);
  const sipp = await orSkip('what places calls', () => findSipp(process.env));
  project.provide('real_livekit', real_livekit);
  project.provide('sipp', sipp);
  const who_answers = await orSkip("what LiveKit's own matching decides", () => buildWhoAnswers(process.env));
  project.provide('who_answers', who_answers);
  // These two cannot be had everywhere, so that skipping them is no failure, even in CI.
  const { LIVEKIT_SIP_BINARY, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env;
  if (!LIVEKIT_SIP_BINARY)
    console.log('Skipped: real calls. Name a livekit-sip in LIVEKIT_SIP_BINARY (https://github.com/livekit/sip).');
  project.provide('livekit_sip', LIVEKIT_SIP_BINARY && real_livekit ? await findLiveKitSip(LIVEKIT_SIP_BINARY) : null);
  if (!TWILIO_ACCOUNT_SID || !TWILIO_AUTH_TOKEN)
    console.log('Skipped: Twilio itself. Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; nothing is changed there.');
};

const findRealLiveKit = async (): Promise<RealLiveKit> => ({
  redis_server: await findRedis(process.env),
  livekit_server: await findLiveKitServer(process.env, (line) => console.log(line)),
});

/** In CI a skip is a failure. */
const orSkip = <T>(what: string, find: () => Promise<T>): Promise<T | null> =>
  find().catch((error: unknown) => {
    if (process.env.CI || !(error instanceof Error)) throw error;
    console.log(`Skipped: ${what}. ${error.message}`);
    return null;
  });
