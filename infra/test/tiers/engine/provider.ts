import { isDeepStrictEqual } from 'node:util';
import { main, type Provider } from '@pulumi/pulumi/provider/index.js';
import { createAws } from '../aws.ts';
import { revealed, type Values } from '../values.ts';
import { REPLACES } from './replaces.ts';

/** A message to the tests after each action of the stand-in. */
export interface Act {
  act: 'create' | 'update' | 'delete' | 'snapshot';
  urn: string;
  id?: string;
}
/** A message from the tests to the stand-in. */
export interface Order {
  /** Whether ECS rolls back every deployment from now on. */
  rollsBack?: boolean;
  /** Id of a resource that was deleted without Pulumi. */
  deleted?: string;
  /** An ECS service that was changed without Pulumi. */
  updated?: { service: string; desiredCount?: number };
}

let rollsBack = false;
process.on('message', (order: Order) => {
  rollsBack = order.rollsBack ?? rollsBack;
  for (const one of existing) if (one.id === order.deleted) existing.delete(one);
  const { service, ...change } = order.updated ?? {};
  if (service !== undefined) aws.updateService(service, change);
});
process.on('disconnect', () => process.exit());
const tell = (act: Act) => process.send?.(act);

const [account = '', region = ''] = process.argv.slice(2);
const aws = createAws({ account, region, rollsBack: () => rollsBack });

const typeOf = (urn: string) => urn.split('::')[2]?.split('$').at(-1) ?? '';
const nameOf = (urn: string) => urn.split('::')[3] ?? '';

/** State property that keeps the inputs, so that an input that was removed counts as a change. */
const ASKED = '__asked';
const answer = (urn: string, inputs: Values, isUpdate = false) => {
  const { id, computed } = aws.create(typeOf(urn), nameOf(urn), revealed(inputs), isUpdate);
  return { id, outs: { ...inputs, ...computed, [ASKED]: inputs } };
};

/** Names of final snapshots, and of non-empty buckets: a load balancer writes a test file to its bucket at once. */
const snapshots = new Set<unknown>();
const filled = new Set<unknown>();
/** Every existing resource, including those that Pulumi no longer manages. */
const existing = new Set<{ urn: string; id: string; inputs: Values }>();
const find = (urn: string, id: string) => [...existing].find((one) => one.urn === urn && one.id === id);
const remember = (urn: string, id: string, inputs: Values) => {
  existing.add({ urn, id, inputs: revealed(inputs) });
  const { accessLogs } = inputs;
  if (typeOf(urn) === 'aws:lb/loadBalancer:LoadBalancer' && accessLogs) filled.add(Object(accessLogs).bucket);
};

/** Types that AWS deletes only when no other resource refers to them: https://docs.aws.amazon.com/vpc/latest/userguide/deleting-security-groups.html */
const HELD = [
  'aws:docdb/cluster:Cluster',
  'aws:docdb/clusterParameterGroup:ClusterParameterGroup',
  'aws:docdb/subnetGroup:SubnetGroup',
  'aws:ec2/securityGroup:SecurityGroup',
  'aws:ec2/subnet:Subnet',
  'aws:ec2/vpc:Vpc',
  'aws:lb/targetGroup:TargetGroup',
];
const names = (value: unknown, id: string): boolean =>
  value === id || (typeof value === 'object' && value !== null && Object.values(value).some((one) => names(one, id)));

/** Throws if AWS would refuse to delete the resource. */
const requireDeletable = (
  urn: string,
  id: string,
  { deletionProtection, enableDeletionProtection, bucket, forceDestroy }: Values,
) => {
  const user = HELD.includes(typeOf(urn)) && [...existing].find(({ inputs }) => names(inputs, id));
  if (user) throw new Error(`DependencyViolation: ${nameOf(urn)} is in use by ${user.id} (${typeOf(user.urn)})`);
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

/**
 * If the program sets a name that Pulumi would otherwise generate, the provider deletes a resource before it creates its
 * replacement, even if the name changes: nameRequiresDeleteBeforeReplace in https://github.com/pulumi/pulumi-terraform-bridge/blob/main/pkg/tfbridge/schema.go
 */
const isNamedByHand = (urn: string, news: Values) => 'name' in news && REPLACES[typeOf(urn)]?.includes('name') === true;

/** ECS's message for a deployment that it rolled back. */
const REFUSED = 'ECS deployment circuit breaker: tasks failed to start.';

/**
 * Fails if ECS rolls a deployment back. Like with the AWS provider, the state then holds the inputs.
 * https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go
 */
const requireDeployed = (urn: string, id: string, outs: Values, { taskDefinition }: Values) => {
  if (!rollsBack || typeOf(urn) !== 'aws:ecs/service:Service') return;
  throw Object.assign(new Error(REFUSED), { id, properties: { ...outs, taskDefinition }, reasons: [REFUSED] });
};

/** Stands in for the AWS provider, attached to Pulumi's engine. Secrets stay wrapped, so that the engine encrypts them. */
const provider: Provider = {
  version: '7.48.0',
  diff: async (id, urn, { [ASKED]: asked = {}, ...olds }: Values, news: Values) => {
    const dropped = Object.keys(asked as Values).filter((key) => !(key in news));
    const changed = Object.keys(news).filter((key) => !isDeepStrictEqual(olds[key], news[key]));
    const replaces = [...changed, ...dropped].filter((key) => REPLACES[typeOf(urn)]?.includes(key));
    return {
      // If inputs changed, the engine works out which ones, and applies replaceOnChanges.
      ...(isDeepStrictEqual(find(urn, id)?.inputs, revealed(news)) && { changes: changed.length + dropped.length > 0 }),
      replaces,
      deleteBeforeReplace: isNamedByHand(urn, news),
    };
  },
  create: async (urn, inputs) => {
    const answered = answer(urn, inputs);
    tell({ act: 'create', urn, id: answered.id });
    remember(urn, answered.id, inputs);
    requireDeployed(urn, answered.id, answered.outs, inputs);
    return answered;
  },
  update: async (id, urn, olds: Values, news: Values) => {
    tell({ act: 'update', urn });
    // Like a Terraform provider: without a difference to the state, it makes no call.
    if (isDeepStrictEqual(olds[ASKED], news)) return { outs: olds };
    const { outs } = answer(urn, news, true);
    Object.assign(find(urn, id) ?? {}, { inputs: revealed(news) });
    requireDeployed(urn, id, outs, news);
    return { outs };
  },
  read: async (id, urn, props: Values = {}) => {
    const actual = aws.running(typeOf(urn), props);
    if (!actual) return { id, props };
    const { taskDefinition } = actual;
    return { id, props: { ...props, taskDefinition, [ASKED]: { ...Object(props[ASKED]), taskDefinition } } };
  },
  delete: async (id, urn, properties: Values) => {
    requireDeletable(urn, id, properties);
    takeSnapshot(urn, properties);
    const gone = find(urn, id);
    if (gone) existing.delete(gone);
    // A secret's versions are deleted with it.
    for (const one of existing) if (one.id.startsWith(`${id}|`)) existing.delete(one);
    tell({ act: 'delete', urn, id });
  },
  invoke: async (token, args) => ({ outputs: aws.invoke(token, args) }),
};

await main(provider, []);
