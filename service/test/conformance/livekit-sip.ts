import { onPath } from './path.ts';

/** The livekit-sip that LIVEKIT_SIP_BINARY names, and the sipp on the PATH that calls it. */
export const findLiveKitSip = async (
  environment: NodeJS.ProcessEnv,
): Promise<{ livekit_sip: string; sipp: string }> => {
  const [sipp] = await onPath('sipp', environment);
  if (sipp === undefined) throw new Error('No sipp: put it on the PATH (Debian: apt-get install sip-tester).');
  return { livekit_sip: environment.LIVEKIT_SIP_BINARY ?? '', sipp };
};
