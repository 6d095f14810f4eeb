import { type IntegrationId, Problem } from '@trunkline/contracts';
import type { Clock } from '../clock.ts';
import type { MadeFor } from './record.ts';
import type { IntegrationStore } from './store.ts';

const LOOK_EVERY_MS = 200;

export interface MoveDependencies {
  store: IntegrationStore;
  /** Counts the numbers of the integration that the reconciler still has to look at. */
  numbers: { countDue(queue: string): Promise<number> };
  clock: Clock;
  /** Today's settings. */
  made_for: MadeFor;
  /** How long to wait for the service to do it. */
  wait_ms: number;
}

/**
 * Makes the running service change an integration's trunk, and LiveKit's trunks of all its numbers, to today's
 * settings. In any order, some calls are refused meanwhile. Returns how many numbers still wait.
 */
export const createMove =
  ({ store, numbers, clock, made_for, wait_ms }: MoveDependencies) =>
  async (integration_id: IntegrationId): Promise<number> => {
    if (!(await store.move(integration_id, made_for)))
      throw new Problem('integration_not_found', `There is no integration ${integration_id}.`);
    for (const until = clock.now() + wait_ms; ; await clock.sleep(LOOK_EVERY_MS)) {
      // In this order: the numbers are requeued before the integration is settled.
      const isUnsettled = await store.isUnsettled(integration_id);
      const waiting = (await numbers.countDue(integration_id)) + (isUnsettled ? 1 : 0);
      if (waiting === 0 || clock.now() >= until) return waiting;
    }
  };
