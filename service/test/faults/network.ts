import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Network {
  url: string;
  /** From now on nothing passes, in either direction. Calls that have arrived may still take effect. */
  cut(): void;
}

/** The network of one replica: its calls to the providers pass through it. */
export const openNetwork = async (to: string): Promise<Network> => {
  const port = Number(new URL(to).port);
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    const there = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [from, there],
      [there, from],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
