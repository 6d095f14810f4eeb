import type { NetworkConfig, Settings } from '../config/schema.ts';
import { LOG_METRICS } from '../watch/log-metrics.ts';
import { watchEdge, watchRunning } from '../watch/watch.ts';

/**
 * AWS's public list prices of 2026-11-23 in US dollars: US East (N. Virginia), on demand, without any free tier.
 * Other regions cost up to a third more. https://aws.amazon.com/pricing/ has the current prices.
 */
export const PRICES = {
  as_of: '2026-11-23',
  fargate: {
    arm64: { vcpu_hour: 0.03238, gb_hour: 0.00356 },
    x86_64: { vcpu_hour: 0.04048, gb_hour: 0.004445 },
  },
  load_balancer_hour: 0.0225,
  public_ipv4_hour: 0.005,
  nat_gateway_hour: 0.045,
  interface_endpoint_hour: 0.01,
  kms_key_month: 1,
  secret_month: 0.4,
  alarm_month: 0.1,
  metric_month: 0.3,
  dashboard_month: 3,
  waf: { acl_month: 5, rule_month: 1 },
  documentdb: {
    capacity_unit_hour: 0.0822,
    /** By instance class; a class twice as large costs twice as much. */
    instance_hour: {
      'db.t3.medium': 0.078,
      'db.t4g.medium': 0.0757,
      'db.r5.large': 0.277,
      'db.r6g.large': 0.2627,
    } as Readonly<Record<string, number>>,
  },
} as const;

/** The hours that AWS counts as a month. */
const HOURS_OF_MONTH = 730;

/** The parts of a configuration that cost money. */
export interface Priced extends Pick<Settings, 'architecture' | 'service' | 'database' | 'waf' | 'loadBalancer'> {
  network: NetworkConfig;
  hasCertificate: boolean;
  managedSecrets: number;
}

export interface CostLine {
  what: string;
  quantity: number;
  /** US dollars a month for each. Undefined if the table has no price. */
  usd_each: number | undefined;
}

/** The monthly cost without traffic, line by line, with the minimum number of tasks running. */
export const costOf = (priced: Priced): CostLine[] =>
  [...tasks(priced), ...network(priced), ...edge(priced), ...secrets(priced), ...database(priced), ...watching(priced)] //
    .filter(({ quantity }) => quantity > 0);

/** The sum of all lines that have a price, rounded to whole US dollars. */
export const totalOf = (lines: readonly CostLine[]): number =>
  Math.round(lines.reduce((sum, { quantity, usd_each }) => sum + quantity * (usd_each ?? 0), 0));

const line = (what: string, quantity: number, usd_each: number | undefined): CostLine => ({ what, quantity, usd_each });
const hourly = (what: string, quantity: number, usd_hour: number | undefined): CostLine =>
  line(what, quantity, usd_hour === undefined ? undefined : usd_hour * HOURS_OF_MONTH);

const tasks = ({ architecture, service: { cpu, memory, min } }: Priced): CostLine[] => {
  const { vcpu_hour, gb_hour } = PRICES.fargate[architecture];
  const hour = (cpu / 1024) * vcpu_hour + (memory / 1024) * gb_hour;
  return [hourly(`Fargate task, ${cpu / 1024} vCPU, ${memory / 1024} GB, ${architecture}`, min, hour)];
};

const network = ({ network: used, loadBalancer, service: { min } }: Priced): CostLine[] => {
  const nats = natsOf(used);
  const zones = used.kind === 'own' ? used.zones.length : used.publicSubnetIds.length;
  const endpoints = used.kind === 'own' ? used.endpoints.length : 0;
  const addresses = (loadBalancer ? 0 : zones) + nats + (used.egress === 'public-ip' ? min : 0);
  return [
    hourly('NAT gateway', nats, PRICES.nat_gateway_hour),
    hourly('Public IPv4 address', addresses, PRICES.public_ipv4_hour),
    hourly('Interface endpoint, in one zone', endpoints * zones, PRICES.interface_endpoint_hour),
  ];
};

/** How many NAT gateways are created. */
const natsOf = (used: NetworkConfig): number =>
  used.kind === 'own' ? { 'public-ip': 0, 'single-nat': 1, 'nat-per-zone': used.zones.length }[used.egress] : 0;

const edge = ({ waf, loadBalancer }: Priced): CostLine[] => [
  hourly('Application load balancer', loadBalancer ? 0 : 1, PRICES.load_balancer_hour),
  line('WAF', waf ? 1 : 0, PRICES.waf.acl_month),
  line('WAF rule', waf ? 1 + Number(waf.commonRules) : 0, PRICES.waf.rule_month),
];

const secrets = ({ managedSecrets, database: { kind } }: Priced): CostLine[] => [
  line('Secret', managedSecrets, PRICES.secret_month),
  line('KMS key', kind === 'documentdb' ? 2 : 1, PRICES.kms_key_month),
];

const database = ({ database }: Priced): CostLine[] => {
  if (database.kind === 'external') return [];
  const { instanceClass, instances, capacity } = database;
  if (instanceClass !== 'db.serverless')
    return [hourly(`DocumentDB instance, ${instanceClass}`, instances, instanceHour(instanceClass))];
  const units = capacity?.min ?? 0.5;
  return [
    hourly(
      `DocumentDB serverless instance, ${units} capacity units`,
      instances,
      units * PRICES.documentdb.capacity_unit_hour,
    ),
  ];
};

/** `db.r6g.4xlarge` is eight times `db.r6g.large`. */
const instanceHour = (instanceClass: string): number | undefined => {
  const [, family, times = ''] = /^(db\.r\w+)\.(\d*)xlarge$/.exec(instanceClass) ?? [];
  const { instance_hour } = PRICES.documentdb;
  if (family === undefined) return instance_hour[instanceClass];
  const large = instance_hour[`${family}.large`];
  return large === undefined ? undefined : large * 2 * Number(times || 1);
};

/** Autoscaling creates two alarms for each of its three metrics: one to add tasks, one to remove them. https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html */
const SCALING_ALARMS = 6;

const watching = (priced: Priced): CostLine[] => {
  const { database, hasCertificate, loadBalancer, waf } = priced;
  const alarms = [
    ...watchEdge({ targetGroup: {} }),
    ...watchRunning({
      loadBalancer: loadBalancer ? undefined : {},
      targetGroup: {},
      least: 1,
      service: {},
      namespace: '',
      database:
        database.kind === 'documentdb'
          ? { cluster: {}, connections: 1, instanceClass: database.instanceClass }
          : undefined,
      firewall: waf && { metric: '', region: '' },
      natGateways: Array.from({ length: natsOf(priced.network) }, () => ({})),
      certificate: hasCertificate ? {} : undefined,
    }),
  ];
  return [
    line('CloudWatch alarm', alarms.length + SCALING_ALARMS, PRICES.alarm_month),
    line('CloudWatch metric made of the log', Object.keys(LOG_METRICS).length, PRICES.metric_month),
    line('CloudWatch dashboard', 1, PRICES.dashboard_month),
  ];
};
