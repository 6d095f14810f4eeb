import { createHmac } from 'node:crypto';
import type { DocumentDb } from '../config/schema.ts';

export const DATABASE_PORT = 27_017;

export interface UriParts {
  host: string;
  username: string;
  password: string;
  poolSize: number;
}

/** Where the image has Amazon's certificate authorities for databases. */
export const CA_BUNDLE = '/etc/ssl/certs/rds-global-bundle.pem';

/**
 * The whole URI. DocumentDB knows retryable writes from 8.0.2 on only, and which patch of a version it runs is AWS's choice.
 * https://docs.aws.amazon.com/documentdb/latest/devguide/retryable-writes.html. Its certificate authority is trusted here alone.
 */
export const uriOf = ({ host, username, password, poolSize }: UriParts): string => {
  const options = new URLSearchParams({
    tls: 'true',
    tlsCAFile: CA_BUNDLE,
    replicaSet: 'rs0',
    readPreference: 'primary',
    retryWrites: 'false',
    maxPoolSize: String(poolSize),
  });
  return `mongodb://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${DATABASE_PORT}/trunkline?authSource=admin&${options}`;
};

/** Whom the service signs in as: it reads and writes its own database, and nothing else of the cluster. */
export const SERVICE_USER = 'service';
/** What alone knows the master user. */
export const ADMIN_SETTING = 'DATABASE_ADMIN_URI';

/** Made of the master's password in one direction: who has this one does not have that one, and both change together. */
export const servicePasswordOf = (masterPassword: string): string =>
  createHmac('sha256', masterPassword).update('the service user of Trunkline').digest('hex');

/**
 * Runs before the service, in each task, and makes its user as it should be: nothing else reaches the database. Where two
 * tasks start at once, one makes the user, and the other finds it the second time.
 */
export const MAKE_USER = `
const { MongoClient } = require('mongoose').mongo;
const { username, password, pathname } = new URL(process.env.MONGODB_URI);
const pwd = decodeURIComponent(password);
const roles = [{ role: 'readWrite', db: pathname.slice(1) }];
const client = new MongoClient(process.env.${ADMIN_SETTING}, { serverSelectionTimeoutMS: 30000 });
const admin = client.db('admin');
const update = () => admin.command({ updateUser: username, pwd, roles });
update()
  .catch(() =>
    admin.command({ createUser: username, pwd, roles }).catch((refused) =>
      update().catch(() => {
        throw refused;
      }),
    ),
  )
  .then(() => console.log('The service has its user.'))
  .catch(({ name, codeName, code }) => {
    console.error('The service gets no user:', name, codeName, code);
    process.exitCode = 1;
  })
  .finally(() => client.close());
`.trim();

/** What the tasks open at most: a deployment runs the old ones and the new ones side by side. */
export const connectionsNeeded = ({ poolSize, max }: { poolSize: number; max: number }): number =>
  (poolSize + MONITORS) * max * 2;

/** What the driver opens beside its pool to watch a server: one for its state, one for its round trip. https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-monitoring.md */
export const MONITORS = 2;

/** What one instance takes: serverless ones as at their least capacity, since growing takes time. */
export const connectionsOf = ({ instanceClass, capacity }: Pick<DocumentDb, 'instanceClass' | 'capacity'>): number =>
  instanceClass === 'db.serverless'
    ? (serverlessConnections.findLast(([units]) => units <= (capacity?.min ?? 0.5))?.[1] ?? 0)
    : /^db\.t/.test(instanceClass)
      ? 500
      : 1700;

/**
 * Active connections by capacity units, where the least capacity is that.
 * https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless-instance-limits.html
 */
const serverlessConnections: [number, number][] = [
  [0.5, 39],
  [1, 79],
  [1.5, 124],
  [2, 173],
  [4, 416],
  [8, 1071],
  [16, 2709],
  [32, 4500],
];
