import type { TestProject } from 'vitest/node';
import { findLiveKitServer } from './livekit-server.ts';
import { findLiveKitSip } from './livekit-sip.ts';
import { findRedis } from './redis.ts';
import { findSipp } from './sipp.ts';
import { buildWhoAnswers } from './who-answers.ts';

/** The programs of a real LiveKit. */
export interface RealLiveKit {
  livekit_server: string;
  redis_server: string;
}

declare module 'vitest' {
  // Null if it is missing: the tests that need it are skipped.
  interface ProvidedContext {
    real_livekit: RealLiveKit | null;
    livekit_sip: string | null;
    sipp: string | null;
    who_answers: string | null;
  }
}

/** Finds the real programs once for all suites, and prints for each missing one which tests are skipped. */
export const setup = async (project: TestProject): Promise<void> => {
  const real_livekit = await orSkip('what needs a real LiveKit', findRealLiveKit);
  const sipp = await orSkip('what places calls', () => findSipp(process.env));
  project.provide('real_livekit', real_livekit);
  project.provide('sipp', sipp);
  const who_answers = await orSkip("what LiveKit's own matching decides", () => buildWhoAnswers(process.env));
  project.provide('who_answers', who_answers);
  // These two are not available everywhere, so skipping their tests is not an error, even in CI.
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

/** In CI, skipping is an error. */
const orSkip = <T>(what: string, find: () => Promise<T>): Promise<T | null> =>
  find().catch((error: unknown) => {
    if (process.env.CI || !(error instanceof Error)) throw error;
    console.log(`Skipped: ${what}. ${error.message}`);
    return null;
  });
