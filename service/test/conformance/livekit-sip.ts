import { access, constants } from 'node:fs/promises';
import { freePort, start, until } from '../chaos/processes.ts';
import type { RealLiveKitServer } from './livekit.ts';

/** The livekit-sip at this path. It is not built here, because not all its modules are on the Go proxy. */
export const findLiveKitSip = async (named: string): Promise<string> => {
  await access(named, constants.X_OK).catch((error: unknown) => {
    throw new Error(`LIVEKIT_SIP_BINARY is ${named}, which is no program.`, { cause: error });
  });
  return named;
};

export interface LiveKitSip {
  /** Where it accepts calls, as in 127.0.0.1:5060. */
  address: string;
  close(): Promise<unknown>;
}

/** A livekit-sip on free local ports, connected to this server. Its settings: livekit/sip, pkg/config/config.go. */
export const startLiveKitSip = async (
  binary: string,
  { url, api_key, api_secret, redis }: RealLiveKitServer,
): Promise<LiveKitSip> => {
  const [sip_port, health_port] = await Promise.all([freePort(), freePort()]);
  const config = JSON.stringify({
    api_key,
    api_secret,
    ws_url: url.replace(/^http/, 'ws'),
    redis: { address: redis.address },
    sip_port,
    health_port,
    rtp_port: '31000-31400',
    listen_ip: '127.0.0.1',
    nat_1_to_1_ip: '127.0.0.1',
    max_cpu_utilization: 1,
  });
  const sip = start(binary, [], { SIP_CONFIG_BODY: config });
  await until(
    'livekit-sip is healthy',
    async () => {
      if (sip.child.exitCode !== null) throw new Error(`livekit-sip ended:\n${sip.lines.join('\n')}`);
      return fetch(`http://127.0.0.1:${health_port}/`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    20_000,
  );
  return { address: `127.0.0.1:${sip_port}`, close: () => sip.end('SIGKILL') };
};
