import { isDeepStrictEqual } from 'node:util';
import { main, type Provider } from '@pulumi/pulumi/provider/index.js';
import { createAws } from '../aws.ts';
import { revealed, type Values } from '../values.ts';
import { REPLACES } from './replaces.ts';

/** What the stand-in tells the tests, each time that it acts. */
export interface Act {
  act: 'create' | 'update' | 'delete' | 'snapshot';
  urn: string;
}
/** What the tests tell the stand-in. */
export interface Order {
  rollsBack: boolean;
}

let rollsBack = false;
process.on('message', (order: Order) => {
  rollsBack = order.rollsBack;
});
process.on('disconnect', () => process.exit());
const tell = (act: Act) => process.send?.(act);

const [account = '', region = ''] = process.argv.slice(2);
const aws = createAws({ account, region, rollsBack: () => rollsBack });

const typeOf = (urn: string) => urn.split('::')[2]?.split('$').at(-1) ?? '';
const nameOf = (urn: string) => urn.split('::')[3] ?? '';

/** Kept in the state, to tell what was asked for from what is: a property that is no longer asked for is a change. */
const ASKED = '__asked';
const answer = (urn: string, inputs: Values, isUpdate = false) => {
  const { id, computed } = aws.create(typeOf(urn), nameOf(urn), revealed(inputs), isUpdate);
  return { id, outs: { ...inputs, ...computed, [ASKED]: inputs } };
};

/** Names of final snapshots that were taken, and buckets in which something is: a load balancer writes a test file at once. */
const snapshots = new Set<unknown>();
const filled = new Set<unknown>();
const remember = (urn: string, { accessLogs }: Values) => {
  if (typeOf(urn) === 'aws:lb/loadBalancer:LoadBalancer' && accessLogs) filled.add(Object(accessLogs).bucket);
};

/** What AWS refuses to delete. */
const requireDeletable = (
  urn: string,
  { deletionProtection, enableDeletionProtection, bucket, forceDestroy }: Values,
) => {
  if (deletionProtection === true || enableDeletionProtection === true)
    throw new Error(`OperationNotPermitted: ${nameOf(urn)} has deletion protection`);
  if (typeOf(urn) === 'aws:s3/bucket:Bucket' && filled.has(bucket) && forceDestroy !== true)
    throw new Error(`BucketNotEmpty: the bucket ${bucket} is not empty, and forceDestroy is not set`);
};

const takeSnapshot = (urn: string, { skipFinalSnapshot, finalSnapshotIdentifier }: Values) => {
  if (skipFinalSnapshot !== false) return;
  if (snapshots.has(finalSnapshotIdentifier))
    throw new Error(`DBClusterSnapshotAlreadyExistsFault: ${finalSnapshotIdentifier} is there already`);
  snapshots.add(finalSnapshotIdentifier);
  tell({ act: 'snapshot', urn: `${urn} ${finalSnapshotIdentifier}` });
};

/** What ECS says of a deployment that it has taken back. */
const REFUSED = 'ECS deployment circuit breaker: tasks failed to start.';

/** Stands in for the AWS provider, attached to Pulumi's engine. Secrets stay wrapped, so that the engine encrypts them. */
const provider: Provider = {
  version: '7.48.0',
  diff: async (_id, urn, { [ASKED]: asked = {}, ...olds }: Values, news: Values) => {
    const dropped = Object.keys(asked as Values).filter((key) => !(key in news));
    const changed = Object.keys(news).filter((key) => !isDeepStrictEqual(olds[key], news[key]));
    const replaces = [...changed, ...dropped].filter((key) => REPLACES[typeOf(urn)]?.includes(key));
    return { changes: changed.length + dropped.length > 0, replaces };
  },
  create: async (urn, inputs) => {
    tell({ act: 'create', urn });
    remember(urn, inputs);
    return answer(urn, inputs);
  },
  update: async (id, urn, olds: Values, news: Values) => {
    tell({ act: 'update', urn });
    // As a provider of Terraform: what differs in nothing from the state makes no call.
    if (isDeepStrictEqual(olds[ASKED], news)) return { outs: olds };
    const { outs } = answer(urn, news, true);
    if (!rollsBack || typeOf(urn) !== 'aws:ecs/service:Service') return { outs };
    // And where it fails, what was asked for stands in the state. https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
    const properties = { ...outs, taskDefinition: news.taskDefinition };
    throw Object.assign(new Error(REFUSED), { id, properties, reasons: [REFUSED] });
  },
  read: async (id, urn, props: Values = {}) => {
    const actual = aws.running(typeOf(urn), props);
    if (!actual) return { id, props };
    const { taskDefinition } = actual;
    return { id, props: { ...props, taskDefinition, [ASKED]: { ...Object(props[ASKED]), taskDefinition } } };
  },
  delete: async (_id, urn, properties: Values) => {
    requireDeletable(urn, properties);
    takeSnapshot(urn, properties);
    tell({ act: 'delete', urn });
  },
  invoke: async (token, args) => ({ outputs: aws.invoke(token, args) }),
};

await main(provider, []);
