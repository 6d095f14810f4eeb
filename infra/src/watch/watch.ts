import type { AlarmSpec, Dimensions } from './alarms.ts';
import { LOG_METRICS } from './log-metrics.ts';

const MINUTES = 60;
const GIB = 1024 ** 3;

const loadBalancing = (name: string, dimensions: Dimensions, statistic: string): AlarmSpec['metric'] => ({
  namespace: 'AWS/ApplicationELB',
  name,
  dimensions,
  statistic,
});

/** Alarms on the tasks as the load balancer sees them. These also end a deployment and roll it back. */
export const watchEdge = ({ targetGroup }: { targetGroup: Dimensions }): AlarmSpec[] => [
  {
    name: 'server-errors',
    description: 'More than 5 % of the answers are 5xx, and 3 or more a minute. See the lines of level 50 in the log.',
    metric: loadBalancing('HTTPCode_Target_5XX_Count', targetGroup, 'Sum'),
    rate: { of: 'RequestCount', floor: 3 },
    above: 5,
    period: MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  },
  {
    name: 'unhealthy-hosts',
    description: 'A task fails its health check on /readyz. See the service’s events in ECS.',
    metric: loadBalancing('UnHealthyHostCount', targetGroup, 'Maximum'),
    above: 0,
    period: MINUTES,
    datapoints: 5,
    missing: 'notBreaching',
  },
];

export interface Running {
  /** Absent if it is shared: it does not show which service it refused requests for. */
  loadBalancer: Dimensions | undefined;
  targetGroup: Dimensions;
  /** The minimum number of tasks. */
  least: number;
  service: Dimensions;
  /** The namespace of the metrics from the log. */
  namespace: string;
  database: { cluster: Dimensions; connections: number; instanceClass: string } | undefined;
  firewall: { metric: string; region: string } | undefined;
  natGateways: readonly Dimensions[];
  certificate: Dimensions | undefined;
}

/** The alarms on a running service. The cost estimate counts them by this list too. */
export const watchRunning = (running: Running): AlarmSpec[] => [
  ...watchCallers(running),
  ...watchService(running),
  ...(running.database ? watchDatabase(running.database) : []),
  ...(running.firewall ? watchFirewall(running.firewall) : []),
  ...watchNat(running.natGateways),
  ...(running.certificate ? watchCertificate(running.certificate) : []),
];

/** Alarms on what callers notice, beyond those that end a deployment. */
const watchCallers = (args: Pick<Running, 'loadBalancer' | 'targetGroup' | 'least'>): AlarmSpec[] => [
  ...(args.loadBalancer === undefined
    ? []
    : [
        {
          name: 'refused-by-load-balancer',
          description: 'The load balancer itself answers 5xx: no task accepts the requests, or one is too slow.',
          metric: loadBalancing('HTTPCode_ELB_5XX_Count', args.loadBalancer, 'Sum'),
          above: 10,
          period: MINUTES,
          datapoints: 3,
          missing: 'notBreaching' as const,
        },
      ]),
  {
    name: 'latency',
    description:
      'One request in ten takes longer than 5 s. Imports wait for Twilio and LiveKit: see the event provider_failed in the log.',
    metric: loadBalancing('TargetResponseTime', args.targetGroup, 'p90'),
    above: 5,
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  },
  {
    name: 'tasks-missing',
    description: `Fewer than ${args.least} tasks are healthy. See the service’s events and stopped tasks in ECS.`,
    metric: loadBalancing('HealthyHostCount', args.targetGroup, 'Minimum'),
    below: args.least,
    period: MINUTES,
    datapoints: 5,
    missing: 'breaching',
  },
];

/** WAF may refuse good callers. Its log says which rule did. */
const watchFirewall = ({ metric, region }: NonNullable<Running['firewall']>): AlarmSpec[] => [
  {
    name: 'blocked-requests',
    description: `WAF blocked more than 20 requests in each of three periods of five minutes. The log group aws-waf-logs-${metric} shows whose, and by which rule.`,
    metric: {
      namespace: 'AWS/WAFV2',
      name: 'BlockedRequests',
      dimensions: { WebACL: metric, Region: region, Rule: 'ALL' },
      statistic: 'Sum',
    },
    above: 20,
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  },
];

/** https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-cloudwatch.html */
const watchNat = (gateways: readonly Dimensions[]): AlarmSpec[] =>
  gateways.map((dimensions, at) => ({
    name: `nat-ports-${at}`,
    description:
      'A NAT gateway has no port left for a connection: calls to Twilio, LiveKit or the database fail. Set network.egress to nat-per-zone.',
    metric: { namespace: 'AWS/NATGateway', name: 'ErrorPortAllocation', dimensions, statistic: 'Sum' },
    above: 0,
    period: 5 * MINUTES,
    datapoints: 1,
    missing: 'notBreaching',
  }));

/** Alarms on the tasks, and on what the service logs about its own work. */
const watchService = ({ service, namespace }: Pick<Running, 'service' | 'namespace'>): AlarmSpec[] => {
  const busy = (name: string, metric: string): AlarmSpec => ({
    name,
    description: `${metric} is above 85 %, and autoscaling has not lowered it. Raise service.max, or the size of a task.`,
    metric: { namespace: 'AWS/ECS', name: metric, dimensions: service, statistic: 'Average' },
    above: 85,
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  });
  const own = (metric: { name: string }, statistic: string) => ({
    namespace,
    name: metric.name,
    dimensions: {},
    statistic,
  });
  return [
    busy('cpu', 'CPUUtilization'),
    busy('memory', 'MemoryUtilization'),
    {
      name: 'failed-imports',
      description: 'Imports fail at Twilio, LiveKit or in the service. See the event provider_failed in the log.',
      metric: own(LOG_METRICS.failedImports, 'Sum'),
      above: 2,
      period: 15 * MINUTES,
      datapoints: 1,
      missing: 'notBreaching',
    },
    {
      name: 'provisioning-put-off',
      description: 'Work on phone numbers keeps failing at a provider. See the event provisioning_put_off in the log.',
      metric: own(LOG_METRICS.putOff, 'Sum'),
      above: 10,
      period: 15 * MINUTES,
      datapoints: 2,
      missing: 'notBreaching',
    },
    {
      name: 'reconciler-failures',
      description: 'The background work on phone numbers fails. See the event reconciler_failed in the log.',
      metric: own(LOG_METRICS.reconcilerFailures, 'Sum'),
      above: 2,
      period: 15 * MINUTES,
      datapoints: 1,
      missing: 'notBreaching',
    },
    {
      name: 'removals-stopped',
      description:
        'Repairs wanted to remove unusually much at the providers within an hour, and were stopped. Find out why, then run trunkline resume.',
      metric: own(LOG_METRICS.stoppedRemovals, 'Sum'),
      above: 0,
      period: 5 * MINUTES,
      datapoints: 1,
      missing: 'notBreaching',
    },
    {
      name: 'reconciler-lag',
      description:
        'Background work on phone numbers waits for more than 15 minutes. See the service’s tasks and the event reconciler_failed in the log.',
      metric: own(LOG_METRICS.reconcilerLag, 'Maximum'),
      above: 15 * MINUTES,
      period: 5 * MINUTES,
      datapoints: 3,
      missing: 'notBreaching',
    },
    {
      name: 'degraded-numbers',
      description:
        'Phone numbers are degraded: their calls may not be answered. GET /api/phone-numbers?provisioning_state=degraded lists them.',
      metric: own(LOG_METRICS.degraded, 'Maximum'),
      above: 0,
      period: 5 * MINUTES,
      datapoints: 3,
      missing: 'notBreaching',
    },
    {
      name: 'database-lost',
      description: 'The service cannot reach its database, and answers 503.',
      metric: own(LOG_METRICS.databaseLost, 'Sum'),
      above: 2,
      period: 5 * MINUTES,
      datapoints: 1,
      missing: 'notBreaching',
    },
  ];
};

/** https://docs.aws.amazon.com/documentdb/latest/developerguide/cloud_watch.html */
const watchDatabase = ({ cluster, connections, instanceClass }: NonNullable<Running['database']>): AlarmSpec[] => [
  ...[
    { name: 'memory', metric: 'FreeableMemory', below: GIB / 2, what: 'half a GiB of memory' },
    { name: 'storage', metric: 'FreeLocalStorage', below: 2 * GIB, what: '2 GiB for temporary files' },
  ].map(({ name, metric, below, what }) => ({
    name: `database-${name}`,
    description: `A database instance has less than ${what} left. Choose a larger one.`,
    metric: { namespace: 'AWS/DocDB', name: metric, dimensions: cluster, statistic: 'Minimum' },
    below,
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching' as const,
  })),
  // A new instance starts with a balance of 0, and is not slowed down: AWS lends credits, and bills them after a day.
  ...(/^db\.t/.test(instanceClass)
    ? [
        {
          name: 'database-credits',
          description:
            'A database instance uses more CPU than its class includes, and AWS bills it. Choose a larger one.',
          metric: {
            namespace: 'AWS/DocDB',
            name: 'CPUSurplusCreditsCharged',
            dimensions: cluster,
            statistic: 'Maximum',
          },
          above: 0,
          period: 60 * MINUTES,
          datapoints: 1,
          missing: 'notBreaching' as const,
        },
      ]
    : []),
  {
    name: 'database-connections',
    description: `More than 80 % of the ${connections} connections of a database instance are in use. Lower database.poolSize or service.max, or choose a larger instance.`,
    metric: { namespace: 'AWS/DocDB', name: 'DatabaseConnections', dimensions: cluster, statistic: 'Maximum' },
    above: Math.floor(connections * 0.8),
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  },
  {
    name: 'database-cpu',
    description: 'The processor of the database is busy above 85 %. Choose a larger instance.',
    metric: { namespace: 'AWS/DocDB', name: 'CPUUtilization', dimensions: cluster, statistic: 'Maximum' },
    above: 85,
    period: 5 * MINUTES,
    datapoints: 3,
    missing: 'notBreaching',
  },
];

/** ACM renews 60 days before expiry. With 30 days left, something prevents it. */
const watchCertificate = (certificate: Dimensions): AlarmSpec[] => [
  {
    name: 'certificate',
    description:
      'The certificate expires in less than 30 days and was not renewed. Check that its DNS validation record still exists.',
    metric: {
      namespace: 'AWS/CertificateManager',
      name: 'DaysToExpiry',
      dimensions: certificate,
      statistic: 'Minimum',
    },
    below: 30,
    period: 24 * 60 * MINUTES,
    datapoints: 1,
    missing: 'notBreaching',
  },
];
