/** The events that are logged. Filters and alarms match these names, so they must not change: docs/log-events.md. */
export const logEvents = [
  'request_answered',
  'request_failed',
  'import_ended',
  'provider_failed',
  'provisioning_put_off',
  'provisioning_failed',
  'removals_stopped',
  'reconciler_failed',
  'background_failed',
  'figures',
  'database_lost',
  'database_upgraded',
  'index_dropped',
  'ready',
  'settings_differ',
  'check_passed',
  'check_warned',
  'check_failed',
  'metrics_port_in_use',
  'stopped_early',
  'proxy_not_trusted',
] as const;

export type LogEvent = (typeof logEvents)[number];
