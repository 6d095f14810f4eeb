import express, { type Express } from 'express';
import type { Metrics } from '../telemetry/metrics.ts';

/** What Prometheus reads, on a port of its own: it is nobody's business outside. */
export const createMetricsApp = ({ registry }: Pick<Metrics, 'registry'>, measure: () => Promise<unknown>): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.get('/metrics', async (_req, res) => {
    await measure();
    res.type(registry.contentType).send(await registry.metrics());
  });
  return app;
};
