import express, { type Express } from 'express';
import type { Metrics } from '../telemetry/metrics.ts';

/** Serves metrics to Prometheus on a separate port, which need not be public. */
export const createMetricsApp = ({ registry }: Pick<Metrics, 'registry'>, measure: () => Promise<unknown>): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.get('/metrics', async (_req, res) => {
    await measure();
    res.type(registry.contentType).send(await registry.metrics());
  });
  return app;
};
