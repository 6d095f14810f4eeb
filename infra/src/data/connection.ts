import { createHmac } from 'node:crypto';
import type { DocumentDb } from '../config/schema.ts';

export const DATABASE_PORT = 27_017;

export interface UriParts {
  host: string;
  username: string;
  password: string;
  poolSize: number;
}

/** The image's copy of Amazon's certificate authorities for databases. */
export const CA_BUNDLE = '/etc/ssl/certs/rds-global-bundle.pem';

/**
 * The connection URI, without retryable writes: DocumentDB has them from 8.0.2 on, and AWS chooses the patch version.
 * https://docs.aws.amazon.com/documentdb/latest/devguide/retryable-writes.html. Only this connection trusts Amazon's CA.
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

/** The service's database user. It can read and write its own database and nothing else in the cluster. */
export const SERVICE_USER = 'service';
/** Holds the master user's URI. Only the container that creates the service's user gets it. */
export const ADMIN_SETTING = 'DATABASE_ADMIN_URI';

/** Derived one-way from the master's password: it does not reveal that one, and both change together. */
export const servicePasswordOf = (masterPassword: string): string =>
  createHmac('sha256', masterPassword).update('the service user of Trunkline').digest('hex');

/**
 * Creates or updates the service's database user. It runs before the service in each task, since nothing else can reach
 * the database. If two tasks start at once, one creates the user, and the other finds it when it tries again.
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

/** The most connections that tasks open: during a deployment, old and new tasks run side by side. */
export const connectionsNeeded = ({ poolSize, max }: { poolSize: number; max: number }): number =>
  (poolSize + MONITORS) * max * 2;

/** Connections that the driver opens outside its pool to monitor a server: one for state, one for round-trip time. https://github.com/mongodb/specifications/blob/master/source/server-discovery-and-monitoring/server-monitoring.md */
export const MONITORS = 2;

/** The connections that one instance accepts. Serverless ones count at minimum capacity, since growing takes time. */
export const connectionsOf = ({ instanceClass, capacity }: Pick<DocumentDb, 'instanceClass' | 'capacity'>): number =>
  instanceClass === 'db.serverless'
    ? (serverlessConnections.findLast(([units]) => units <= (capacity?.min ?? 0.5))?.[1] ?? 0)
    : /^db\.t/.test(instanceClass)
      ? 500
      : 1700;

/**
 * Active connections by minimum capacity units.
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
