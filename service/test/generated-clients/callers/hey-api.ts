import { createClient } from './client/index.ts';
import {
  apiKeysCreate,
  apiKeysList,
  apiKeysRevoke,
  integrationsAvailableNumbers,
  integrationsCreate,
  integrationsGet,
  integrationsList,
  phoneNumbersAssign,
  phoneNumbersGet,
  phoneNumbersImport,
  phoneNumbersList,
  phoneNumbersRelease,
  phoneNumbersUnassign,
  me as whoAmI,
} from './sdk.gen.ts';

const { URL: url = '', API_KEY = '', ORGANIZATION_ID = '', ACCOUNT_SID = '', AUTH_TOKEN = '' } = process.env;
const client = createClient({
  baseUrl: `${url}/api`,
  auth: ({ name }) => (name === 'X-API-Key' ? API_KEY : ORGANIZATION_ID),
});

const me = await whoAmI({ client });
const integrated = await integrationsCreate({
  client,
  body: { name: 'Ours', credentials: { provider: 'twilio', account_sid: ACCOUNT_SID, auth_token: AUTH_TOKEN } },
});
const integration_id = integrated.data?.data.integration_id ?? '';
const integration = await integrationsGet({ client, path: { integration_id } });
const available = await integrationsAvailableNumbers({ client, path: { integration_id }, query: { page_size: 1 } });
const integrations = await integrationsList({ client, query: { page_size: 10, include_total: true } });

const body = {
  phone_number: '+15551230001',
  provider: 'sip',
  supports_inbound: true,
  media_encryption: 'require',
} as const;
const headers = { 'Idempotency-Key': 'first', 'X-Request-Id': 'mine' };
const imported = await phoneNumbersImport({ client, headers, body });
const phone_number_id = imported.data?.data.phone_number_id ?? '';
const sip_uri = imported.data?.data.provider === 'sip' ? imported.data.data.sip_uri : '';
const refused = await phoneNumbersImport({ client, body });
const path = { phone_number_id };
const assigned = await phoneNumbersAssign({ client, path, body: { agent_id: 'receptionist' } });
const number = await phoneNumbersGet({ client, path });
const unassigned = await phoneNumbersUnassign({ client, path });
const numbers = await phoneNumbersList({ client, query: { provider: 'sip', status: 'free' } });
const released = await phoneNumbersRelease({ client, path, query: { force: true } });

const created = await apiKeysCreate({ client, body: { name: 'Short-lived', role: 'user' } });
const key_id = created.data?.data.key.key_id ?? '';
const keys = await apiKeysList({ client });
const revoked = await apiKeysRevoke({ client, path: { key_id } });

console.log(
  JSON.stringify({
    organization_id: me.data?.data.organization_id,
    integration: integration.data?.data.status,
    available: available.data?.data.length,
    integrations: integrations.data?.pagination.total_count,
    sip_uri,
    request_id: imported.response?.headers.get('X-Request-Id'),
    problem: refused.error?.code,
    problem_of: refused.error?.phone_number_id === phone_number_id,
    assigned: assigned.data?.data.assigned_agent_id,
    steps: number.data?.data.provisioning.steps.map(({ name }) => name),
    unassigned: unassigned.data?.data.status,
    numbers: numbers.data?.data.length,
    released: released.data?.data.provisioning_state,
    raw_key: created.data?.data.raw_key.slice(0, 8),
    keys: keys.data?.data.length,
    revoked: revoked.data?.data.status,
  }),
);
