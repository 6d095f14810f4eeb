import { assert, property, stringMatching } from 'fast-check';
import { expect, it } from 'vitest';
import { uriOf } from './database.ts';

it('composes a URI as DocumentDB wants it, with TLS and without retryable writes', () => {
  const uri = new URL(uriOf({ host: 'cluster.example', username: 'trunkline', password: 'p?ss w&rd', poolSize: 20 }));
  expect(uri).toMatchObject({
    protocol: 'mongodb:',
    host: 'cluster.example:27017',
    pathname: '/trunkline',
    username: 'trunkline',
  });
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({
    tls: 'true',
    tlsCAFile: '/etc/ssl/certs/rds-global-bundle.pem',
    retryWrites: 'false',
    replicaSet: 'rs0',
    maxPoolSize: '20',
  });
});

it('brings any password that DocumentDB takes through', async () => {
  await assert(
    property(stringMatching(/^[!#-.0-?A-~]{16,100}$/), (password) => {
      const uri = new URL(uriOf({ host: 'cluster.example', username: 'trunkline', password, poolSize: 1 }));
      expect(decodeURIComponent(uri.password)).toBe(password);
    }),
  );
});
