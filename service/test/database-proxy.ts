import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DatabaseProxy extends AsyncDisposable {
  mongodb_uri: string;
  /** How many connections are open. */
  open(): number;
  /** Resolves once this many answers are held. */
  holding(count?: number): Promise<void>;
  /** Passes on the held answers, and holds none from then on. */
  release(): void;
}

/** A proxy between the service and its database that holds the answers to one command. */
export const openDatabaseProxy = async (mongodb_uri: string, command: string): Promise<DatabaseProxy> => {
  const { hostname, port } = new URL(mongodb_uri);
  const sockets = new Set<Socket>();
  const watchers = new Set<() => void>();
  let held = 0;
  let gate: PromiseWithResolvers<void> | undefined = Promise.withResolvers();

  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    let asked: Promise<void> = Promise.resolve();
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('data', (sent) => {
      if (gate && sent.includes(command)) {
        asked = gate.promise;
        held++;
        for (const watcher of watchers) watcher();
      }
      database.write(sent);
    });
    database.on('data', (answer) => void asked.then(() => client.destroyed || client.write(answer)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    // Without a direct connection, the client would follow the replica set's addresses past the proxy.
    mongodb_uri: mongodb_uri
      .replace(/:\/\/[^/]+/, `://127.0.0.1:${(server.address() as AddressInfo).port}`)
      .concat('&directConnection=true'),
    open: () => sockets.size,
    holding: (count = 1) =>
      new Promise((resolve) => {
        const watcher = () => {
          if (held < count) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    release: () => {
      gate?.resolve();
      gate = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
