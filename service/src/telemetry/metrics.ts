import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** The service's own metrics, for Prometheus. Operators rely on their names and labels. */
export const createMetrics = () => {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'trunkline_http_requests_total',
      help: 'Requests by route and status.',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'trunkline_http_request_duration_seconds',
      help: 'Time to answer a request.',
      labelNames: ['method', 'route'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    providerCalls: new Counter({
      name: 'trunkline_provider_calls_total',
      help: 'Calls to Twilio and LiveKit by outcome: ok, conflict, not_found, refused, unavailable, timeout or unexpected.',
      labelNames: ['provider', 'call', 'outcome'] as const,
      registers,
    }),
    providerCallSeconds: new Histogram({
      name: 'trunkline_provider_call_duration_seconds',
      help: 'Time of a call to Twilio or LiveKit.',
      labelNames: ['provider', 'call'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    imports: new Histogram({
      name: 'trunkline_import_duration_seconds',
      help: 'Time of an import by provider and outcome: imported, or the code of the problem.',
      labelNames: ['provider', 'outcome'] as const,
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
      registers,
    }),
    phoneNumbers: new Gauge({
      name: 'trunkline_phone_numbers',
      help: 'Phone numbers by provisioning state.',
      labelNames: ['state'] as const,
      registers,
    }),
    integrations: new Gauge({
      name: 'trunkline_integrations',
      help: 'Twilio accounts by what Twilio last said of their credentials: active or refused.',
      labelNames: ['status'] as const,
      registers,
    }),
    reconcilerLag: new Gauge({
      name: 'trunkline_reconciler_lag_seconds',
      help: 'For how long the record that waits longest has been due; 0 when none is.',
      registers,
    }),
    reconciled: new Counter({
      name: 'trunkline_reconciled_total',
      help: 'Records that the reconciler worked on, by outcome: settled, removed, postponed or failed.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    databaseUp: new Gauge({ name: 'trunkline_database_up', help: '1 while the database answers.', registers }),
    processMetrics: () => collectDefaultMetrics({ register: registry }),
  };
};
