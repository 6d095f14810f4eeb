import { expect, it } from 'vitest';
import { type Fitting, requireFitting } from './shared.ts';

const fitting = (changes: { listener?: object; balancer?: object } = {}): Fitting => ({
  listener: { protocol: 'HTTPS', sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06', ...changes.listener },
  balancer: {
    vpcId: 'vpc-1',
    securityGroups: ['sg-1', 'sg-2'],
    idleTimeout: 60,
    xffHeaderProcessingMode: 'append',
    ...changes.balancer,
  },
  wanted: { vpcId: 'vpc-1', securityGroupId: 'sg-2', importDeadlineSeconds: 25 },
});

it.each([
  'ELBSecurityPolicy-TLS13-1-2-2021-06',
  'ELBSecurityPolicy-TLS13-1-3-2021-06',
  'ELBSecurityPolicy-FS-1-2-Res-2020-10',
])('accepts a listener with the policy %s', (sslPolicy) => {
  expect(() => requireFitting(fitting({ listener: { sslPolicy } }))).not.toThrow();
});

it.each([
  ['serves HTTP', { listener: { protocol: 'HTTP', sslPolicy: '' } }, /must be HTTPS/],
  ['accepts TLS 1.0', { listener: { sslPolicy: 'ELBSecurityPolicy-2016-08' } }, /TLS older than 1.2/],
  ['accepts TLS 1.1', { listener: { sslPolicy: 'ELBSecurityPolicy-TLS13-1-1-2021-06' } }, /TLS older than 1.2/],
  ['is in another VPC', { balancer: { vpcId: 'vpc-2' } }, /is in vpc-2, and the tasks are in vpc-1/],
  [
    'has other security groups',
    { balancer: { securityGroups: ['sg-1'] } },
    /sg-2 is not among its security groups, sg-1/,
  ],
  ['times out before an import does', { balancer: { idleTimeout: 25 } }, /above service.importDeadlineSeconds of 25/],
  ['keeps connections longer than the service', { balancer: { idleTimeout: 65 } }, /below the 65 s/],
  ['passes on what callers claim', { balancer: { xffHeaderProcessingMode: 'preserve' } }, /but append/],
])('refuses a load balancer that %s', (_what, changes, message) => {
  expect(() => requireFitting(fitting(changes))).toThrow(message);
});

it('reports all reasons at once', () => {
  const changes = { listener: { protocol: 'HTTP' }, balancer: { vpcId: 'vpc-2', idleTimeout: 4000 } };
  expect(() => requireFitting(fitting(changes))).toThrow(/HTTPS[\s\S]*vpc-2[\s\S]*4000 s/);
});
