/**
 * US dollars in US East (N. Virginia), on demand, without any free tier: AWS's public list prices as they were known on
 * 2026-11-23. Other regions are up to a third dearer. https://aws.amazon.com/pricing/ has today's.
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

/** What AWS reckons a month with. */
export const HOURS_OF_MONTH = 730;
