import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { LOG_METRICS } from './log-metrics.ts';

/** The names in the widgets. The database's cluster is absent if the database is external. */
export interface DashboardNames {
  region: string;
  namespace: string;
  loadBalancer: string;
  targetGroup: string;
  /** Whether other services share the load balancer. */
  isShared?: boolean;
  cluster: string;
  service: string;
  database?: string | undefined;
  /** Absent without WAF. */
  firewall?: string | undefined;
}

export interface DashboardArgs {
  names: pulumi.Output<DashboardNames>;
}

/** One page that shows whether requests are answered, and if not, why. */
export class Dashboard extends pulumi.ComponentResource {
  readonly dashboardName: pulumi.Output<string>;

  constructor(name: string, { names }: DashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Dashboard', name, {}, opts);
    const dashboard = new aws.cloudwatch.Dashboard(
      name,
      { dashboardName: `${name}-${pulumi.getStack()}`, dashboardBody: pulumi.jsonStringify(names.apply(bodyOf)) },
      { parent: this },
    );
    this.dashboardName = dashboard.dashboardName;
    this.registerOutputs({});
  }
}

type Metric = (string | Record<string, string>)[];

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
export const bodyOf = (names: DashboardNames) => {
  const alb = (metric: string, stat: string): Metric => [
    'AWS/ApplicationELB',
    metric,
    'LoadBalancer',
    names.loadBalancer,
    { stat },
  ];
  const targets = (metric: string, stat: string): Metric => [
    'AWS/ApplicationELB',
    metric,
    'TargetGroup',
    names.targetGroup,
    'LoadBalancer',
    names.loadBalancer,
    { stat },
  ];
  const ecs = (metric: string): Metric => [
    'AWS/ECS',
    metric,
    'ClusterName',
    names.cluster,
    'ServiceName',
    names.service,
    { stat: 'Average' },
  ];
  const own = ({ name }: { name: string }, stat: string): Metric => [names.namespace, name, { stat }];
  const docdb = (metric: string, stat: string): Metric => [
    'AWS/DocDB',
    metric,
    'DBClusterIdentifier',
    names.database ?? '',
    { stat },
  ];
  const graphs: [string, Metric[]][] = [
    ['Requests', [targets('RequestCount', 'Sum')]],
    [
      'Answers of 5xx',
      [targets('HTTPCode_Target_5XX_Count', 'Sum'), ...(names.isShared ? [] : [alb('HTTPCode_ELB_5XX_Count', 'Sum')])],
    ],
    ['Time to answer', ['p50', 'p90', 'p99'].map((stat) => targets('TargetResponseTime', stat))],
    ['Tasks', [targets('HealthyHostCount', 'Minimum'), targets('UnHealthyHostCount', 'Maximum')]],
    ['CPU and memory', [ecs('CPUUtilization'), ecs('MemoryUtilization')]],
    ['Imports', [own(LOG_METRICS.imports, 'Sum'), own(LOG_METRICS.failedImports, 'Sum')]],
    ['Numbers', [own(LOG_METRICS.active, 'Maximum'), own(LOG_METRICS.degraded, 'Maximum')]],
    [
      'Provisioning put off, and not done',
      [own(LOG_METRICS.putOff, 'Sum'), own(LOG_METRICS.reconcilerFailures, 'Sum')],
    ],
    ['How long due work waits', [own(LOG_METRICS.reconcilerLag, 'Maximum')]],
    ...(names.database === undefined
      ? []
      : ([
          ['Database', [docdb('CPUUtilization', 'Maximum')]],
          ['Connections of the database', [docdb('DatabaseConnections', 'Maximum')]],
          ['Memory left to the database', [docdb('FreeableMemory', 'Minimum')]],
        ] satisfies [string, Metric[]][])),
    ...(names.firewall === undefined
      ? []
      : ([
          [
            'Refused by WAF',
            [
              [
                'AWS/WAFV2',
                'BlockedRequests',
                'WebACL',
                names.firewall,
                'Region',
                names.region,
                'Rule',
                'ALL',
                { stat: 'Sum' },
              ],
            ],
          ],
        ] satisfies [string, Metric[]][])),
  ];
  return {
    widgets: graphs.map(([title, metrics], at) => ({
      type: 'metric',
      x: (at % 3) * 8,
      y: Math.floor(at / 3) * 6,
      width: 8,
      height: 6,
      properties: { title, metrics, region: names.region, view: 'timeSeries', stacked: false, period: 60 },
    })),
  };
};
