import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectionsOf } from '../../../src/data/connection.ts';
import { INFRA } from '../project.ts';
import type { Resource } from '../registration.ts';
import type { Run } from '../run-program.ts';
import type { Values } from '../values.ts';
import { differences, dimensionsOf, given, listOf, of, type Promises, urnsOf } from './promise.ts';

/** A row of the table that operators read. */
interface Row {
  alarm: string;
  of: string;
  metric: string;
  goesOff: string;
  lasting: string;
  silence: string;
}

/** The table of docs/alarms.md, which operators read, is the specification. */
const ALARMS: Row[] = readFileSync(join(INFRA, 'docs/alarms.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [alarm = '', of_ = '', metric = '', goesOff = '', lasting = '', silence = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''));
    return { alarm, of: of_, metric, goesOff, lasting, silence };
  });

export const alarms = {
  'the alarms are those of docs/alarms.md: each watches its metric, goes off at the threshold in the table, and notifies both ways':
    (run) =>
      differences(
        of(run, 'cloudwatch/metricAlarm').map(told),
        ALARMS.flatMap((row) => watched(run, row)),
      ),

  'only the alarms that docs/alarms.md names end a deployment': (run) => {
    const text = readFileSync(join(INFRA, 'docs/alarms.md'), 'utf8');
    const [, sentence = ''] = /^(.*) end a deployment/m.exec(text) ?? [];
    const names = [...sentence.matchAll(/`([\w-]+)`/g)].map(([, name]) => name);
    const physical = of(run, 'cloudwatch/metricAlarm')
      .filter(({ name }) => names.some((one) => name === `trunkline-${one}`))
      .map(({ outputs }) => String(outputs.name));
    return [
      ...(names.length > 0 ? [] : ['none is named']),
      ...urnsOf(run, 'ecs/service', ({ inputs }) => {
        const { enable, rollback, alarmNames = [] } = Object(inputs.alarms);
        return !enable || !rollback || differences(alarmNames, physical).length > 0 || physical.length !== names.length;
      }),
    ];
  },
} satisfies Promises;

/** Describes an alarm in the terms of the table. */
const told = ({ inputs }: Resource): string => {
  const { metricQueries, namespace, metricName, dimensions, statistic, extendedStatistic, period } = inputs;
  const queries = listOf(metricQueries);
  const [rate, part, whole] = ['rate', 'part', 'whole'].map((id) => Object(queries.find((query) => query.id === id)));
  const single = { namespace, metricName, dimensions, stat: statistic ?? extendedStatistic, period };
  const metrics = queries.length === 0 ? [single] : [part, whole].map(({ metric = {} }) => metric);
  const { comparisonOperator, threshold, evaluationPeriods, datapointsToAlarm, treatMissingData } = inputs;
  return words({
    metrics,
    expression: rate.returnData === true ? rate.expression : undefined,
    comparisonOperator,
    threshold,
    evaluationPeriods,
    datapointsToAlarm,
    treatMissingData,
    tells: [inputs.alarmActions, inputs.okActions].every((actions) => [actions ?? []].flat().length === 1),
  });
};

/** The alarms of a row: one for each resource that it watches. */
const watched = (run: Run, row: Row): string[] => {
  const things = thingsOf(run, row);
  const [, name, whole, stat] = /^(\w+)(?: per (\w+))?, (\w+)$/.exec(row.metric) ?? [];
  const [, datapoints, length, unit = ''] = /^(\d+) × (\d+) (min|day)$/.exec(row.lasting) ?? [];
  const [, direction, limit = '', , floor] = /^(above|below) (.*?)(, from (\d+) on)?$/.exec(row.goesOff) ?? [];
  const period = Number(length) * (unit === 'day' ? 86_400 : 60);
  return things.map(({ namespace, dimensions }) =>
    words({
      metrics: [name, ...(whole === undefined ? [] : [whole])].map((metricName) => ({
        namespace,
        metricName,
        dimensions,
        stat,
        period,
      })),
      expression: floor === undefined ? undefined : `IF(FILL(part, 0) >= ${floor}, 100 * FILL(part, 0) / whole, 0)`,
      comparisonOperator: direction === 'above' ? 'GreaterThanThreshold' : 'LessThanThreshold',
      threshold: thresholdOf(run, limit),
      evaluationPeriods: Number(datapoints),
      datapointsToAlarm: Number(datapoints),
      treatMissingData: row.silence === 'is fine' ? 'notBreaching' : 'breaching',
      tells: true,
    }),
  );
};

const words = ({ metrics, ...rest }: { metrics: Values[] } & Values): string =>
  JSON.stringify({
    ...rest,
    metrics: metrics.map(({ namespace, metricName, dimensions, stat, period }) => ({
      metric: `${namespace} ${metricName} ${stat} ${period} s`,
      of: Object.entries(Object(dimensions))
        .map(([key, value]) => `${key} ${value}`)
        .toSorted(),
    })),
  });

const thresholdOf = (run: Run, limit: string): number => {
  if (limit === 'service.min') return Number(given<{ min?: number | string }>(run, 'service')?.min ?? 1);
  if (limit === '80 % of what an instance takes') {
    const { instanceClass = 'db.t4g.medium', capacity } = database(run);
    const bounds = capacity && { min: Number(capacity.min), max: Number(capacity.max) };
    return Math.floor(0.8 * connectionsOf({ instanceClass, capacity: bounds }));
  }
  const [, number, unit = ''] = /^([\d.]+)(?: (%|s|days|GiB))?$/.exec(limit) ?? [];
  return Number(number) * (unit === 'GiB' ? 1024 ** 3 : 1);
};

interface Database {
  instanceClass?: string;
  capacity?: { min: number | string; max: number | string };
}
const database = (run: Run) => given<Database>(run, 'database') ?? {};

/** The resources that the table's word stands for. */
export const thingsOf = (
  run: Run,
  { alarm, of: thing }: Pick<Row, 'alarm' | 'of'>,
): { namespace: string; dimensions: Values }[] => {
  const [service] = of(run, 'ecs/service');
  const { loadBalancer: LoadBalancer, targetGroup: TargetGroup } = dimensionsOf(run);
  const hasAlarmBefore = ['server-errors', 'unhealthy-hosts'].includes(alarm);
  if (!service && !hasAlarmBefore) return [];
  switch (thing) {
    case 'target group':
      return [{ namespace: 'AWS/ApplicationELB', dimensions: { LoadBalancer, TargetGroup } }];
    case 'load balancer':
      return of(run, 'lb/loadBalancer').length > 0
        ? [{ namespace: 'AWS/ApplicationELB', dimensions: { LoadBalancer } }]
        : [];
    case 'service':
      return of(run, 'ecs/cluster').map(({ outputs }) => ({
        namespace: 'AWS/ECS',
        dimensions: { ClusterName: outputs.name, ServiceName: service?.outputs.name },
      }));
    case 'log':
      return [{ namespace: `Trunkline/${run.stack.name}`, dimensions: {} }];
    case 'database':
    case 'database of a db.t class':
      return of(run, 'docdb/cluster')
        .filter(() => thing === 'database' || (database(run).instanceClass ?? 'db.t4g.medium').startsWith('db.t'))
        .map(({ id }) => ({ namespace: 'AWS/DocDB', dimensions: { DBClusterIdentifier: id } }));
    case 'WAF':
      return of(run, 'wafv2/webAcl').map(({ inputs }) => ({
        namespace: 'AWS/WAFV2',
        dimensions: { WebACL: Object(inputs.visibilityConfig).metricName, Region: run.stack.region, Rule: 'ALL' },
      }));
    case 'each NAT gateway':
      return of(run, 'ec2/natGateway').map(({ id }) => ({
        namespace: 'AWS/NATGateway',
        dimensions: { NatGatewayId: id },
      }));
    case 'certificate': {
      const [made] = of(run, 'acm/certificate');
      const CertificateArn = given<string>(run, 'certificateArn') ?? made?.outputs.arn;
      return CertificateArn === undefined
        ? []
        : [{ namespace: 'AWS/CertificateManager', dimensions: { CertificateArn } }];
    }
    default:
      throw new Error(`docs/alarms.md watches ${thing}, which is not known here`);
  }
};
