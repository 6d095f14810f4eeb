import type { DocumentDb } from '../config/schema.ts';

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
