import { inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openSandbox } from '../../src/sandbox/server.ts';
import { createMemoryShelf } from '../../src/sandbox/shelf.ts';
import { type LiveKitServer, startLiveKitServer } from './livekit-server.ts';
import { type Redis, startRedis } from './redis.ts';

/** The address of a LiveKit, and its credentials. */
export interface LiveKit {
  url: string;
  api_key: string;
  api_secret: string;
  close(): Promise<void>;
}

export interface RealLiveKitServer extends LiveKit {
  server: LiveKitServer;
  redis: Redis;
}

/** A real livekit-server with its own Redis, both empty. */
export const openRealLiveKit = async (): Promise<RealLiveKitServer> => {
  const real = inject('real_livekit');
  if (real === null) throw new Error('There is no real LiveKit: skip what needs it');
  const redis = await startRedis(real.redis_server);
  const server = await startLiveKitServer(real.livekit_server, redis.address).catch(async (error: unknown) => {
    await redis.close();
    throw error;
  });
  const { url, api_key, api_secret } = server;
  return {
    url,
    api_key,
    api_secret,
    server,
    redis,
    close: async () => {
      await server.kill();
      await redis.close();
    },
  };
};

/** The stand-in, empty. */
export const openStandIn = async (): Promise<LiveKit> => {
  const sandbox = await openSandbox({ shelf: createMemoryShelf(), clock: systemClock, port: 0 });
  return { ...sandbox.livekit, close: sandbox.close };
};
