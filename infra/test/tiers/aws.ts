import { createHash } from 'node:crypto';
import { EXISTING } from '../given.ts';
import { COMPUTED, type Created } from './computed.ts';
import type { Values } from './values.ts';

export interface Account {
  account: string;
  region: string;
  /** Whether deployments fail now, so that ECS rolls back to the previous task definition, if there is one. */
  rollsBack?: (() => boolean) | undefined;
}

/** AWS's answers, as far as the program reads them. */
export interface Aws {
  create(type: string, name: string, inputs: Values, isUpdate?: boolean): { id: string; computed: Values };
  /** What an ECS service actually runs. Undefined for other resources. */
  running(type: string, computed: Values): Service | undefined;
  /** Changes a service without Pulumi: starts as many tasks as it should have. */
  updateService(name: string, change: { desiredCount?: number }): void;
  invoke(token: string, args: Values): Values;
}

/** What ECS tells of a service. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html */
interface Service {
  taskDefinition: unknown;
  desiredCount: number;
  runningCount: number;
  deployments: object[];
}

const SERVICE = 'aws:ecs/service:Service';

/** A small working AWS: it names resources, counts revisions, and throws for types that it does not know. */
export const createAws = ({ account, region, rollsBack = () => false }: Account): Aws => {
  const revisions = new Map<string, number>();
  const services = new Map<unknown, Service>();

  const create: Aws['create'] = (type, name, inputs, isUpdate = false) => {
    if (type === 'pulumi:providers:aws') return { id: 'provider', computed: {} };
    const answer = COMPUTED[type];
    if (!answer) throw new Error(`the stand-in does not know ${type}: add what AWS answers to test/tiers/computed.ts`);
    const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
    const created: Created = {
      name,
      inputs,
      account,
      region,
      isUpdate,
      arn,
      revision: (revisions.get(`${type} ${name}`) ?? 0) + Number(!isUpdate),
      hash,
    };
    const { id, ...computed } = answer(created);
    revisions.set(`${type} ${name}`, created.revision);
    if (type === SERVICE) {
      const isRolledBack = rollsBack();
      const former = isUpdate ? services.get(computed.name) : undefined;
      // The circuit breaker rolls back to what ran before. If nothing did, the service keeps naming the new definition.
      const taskDefinition = (isRolledBack && former?.taskDefinition) || computed.taskDefinition;
      const desiredCount = former?.desiredCount ?? Number(inputs.desiredCount);
      const runningCount = isRolledBack ? (former?.runningCount ?? 0) : desiredCount;
      services.set(computed.name, { taskDefinition, desiredCount, runningCount, deployments: [{}] });
      computed.taskDefinition = taskDefinition;
    }
    return { id: String(id ?? `${name}-id`), computed };
  };

  const running: Aws['running'] = (type, { name }) => (type === SERVICE ? services.get(name) : undefined);

  const updateService: Aws['updateService'] = (name, change) => {
    const service = services.get(name);
    if (!service) throw new Error(`ServiceNotFoundException: ${name}`);
    Object.assign(service, change);
    service.runningCount = service.desiredCount;
  };

  const invoke: Aws['invoke'] = (token, args) => {
    const service = services.get(args.serviceName);
    if (token === 'aws:ecs/getService:getService' && service) return { ...args, ...service };
    const found = FOUND[token]?.(String(args.id ?? args.arn), region);
    if (found) return { ...args, ...found };
    throw new Error(
      `the stand-in has no answer to ${token} ${JSON.stringify(args)}: add what AWS answers to test/tiers/aws.ts`,
    );
  };

  return { create, running, updateService, invoke };
};

/** Address of the existing load balancer. */
export const EDGE = { dnsName: 'edge-1234567.elb.amazonaws.com', zoneId: 'Z215JYRZR1TBD5' };

/** Answers to look-ups of existing resources. */
const FOUND: Record<string, (of: string, region: string) => Values> = {
  'aws:ec2/getSubnet:getSubnet': (id, region) => ({
    vpcId: EXISTING.vpcId,
    availabilityZone: `${region}${id.endsWith('1') ? 'a' : 'b'}`,
  }),
  'aws:lb/getListener:getListener': (arn) => ({
    id: arn,
    loadBalancerArn: arn.replace(':listener/', ':loadbalancer/').replace(/\/[^/]*$/, ''),
    protocol: 'HTTPS',
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  }),
  'aws:lb/getLoadBalancer:getLoadBalancer': (arn) => ({
    id: arn,
    name: 'edge',
    arnSuffix: arn.split(':loadbalancer/')[1],
    ...EDGE,
    loadBalancerType: 'application',
    vpcId: EXISTING.vpcId,
    securityGroups: [EXISTING.loadBalancer.securityGroupId],
    idleTimeout: 60,
    xffHeaderProcessingMode: 'append',
  }),
};

/** Eight hex digits of the content's SHA-256. */
const hash = (content: unknown) => createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8);
