import { installationsCollection } from '../database/installation.ts';
import { eventsCollection } from '../events/store.ts';
import { firstRequestsCollection } from '../http/idempotency.ts';
import { integrationsCollection } from '../integrations/store.ts';
import { apiKeysCollection, organizationsCollection } from '../organizations/store.ts';
import { phoneNumbersCollection } from '../phone-numbers/store.ts';
import { queuesCollection, removalsCollection } from '../provisioning/index.ts';

/** All collections of the service. */
export const collections = [
  installationsCollection,
  organizationsCollection,
  apiKeysCollection,
  integrationsCollection,
  phoneNumbersCollection,
  queuesCollection,
  removalsCollection,
  eventsCollection,
  firstRequestsCollection,
] as const;
