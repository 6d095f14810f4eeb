import createClient from 'openapi-fetch';
import type { paths } from './schema.ts';

const { URL: url = '', API_KEY = '', ORGANIZATION_ID = '', ACCOUNT_SID = '', AUTH_TOKEN = '' } = process.env;
const { GET, POST, DELETE } = createClient<paths>({
  baseUrl: `${url}/api`,
  headers: { 'X-API-Key': API_KEY, 'X-Organization-Id': ORGANIZATION_ID },
});

const me = await GET('/me');
const integrated = await POST('/integrations', {
  body: { name: 'Ours', credentials: { provider: 'twilio', account_sid: ACCOUNT_SID, auth_token: AUTH_TOKEN } },
});
const integration_id = integrated.data?.data.integration_id ?? '';
const integration = await GET('/integrations/{integration_id}', { params: { path: { integration_id } } });
const available = await GET('/integrations/{integration_id}/available-numbers', {
  params: { path: { integration_id }, query: { page_size: 1 } },
});
const integrations = await GET('/integrations', { params: { query: { page_size: 10, include_total: true } } });

const body = {
  phone_number: '+15551230001',
  provider: 'sip',
  supports_inbound: true,
  media_encryption: 'require',
} as const;
const header = { 'Idempotency-Key': 'first', 'X-Request-Id': 'mine' };
const imported = await POST('/phone-numbers', { params: { header }, body });
const phone_number_id = imported.data?.data.phone_number_id ?? '';
const sip_uri = imported.data?.data.provider === 'sip' ? imported.data.data.sip_uri : '';
const refused = await POST('/phone-numbers', { body });
const path = { phone_number_id };
const assigned = await POST('/phone-numbers/{phone_number_id}/assign', {
  params: { path },
  body: { agent_id: 'receptionist' },
});
const number = await GET('/phone-numbers/{phone_number_id}', { params: { path } });
const unassigned = await POST('/phone-numbers/{phone_number_id}/unassign', { params: { path } });
const numbers = await GET('/phone-numbers', { params: { query: { provider: 'sip', status: 'free' } } });
const released = await DELETE('/phone-numbers/{phone_number_id}', { params: { path, query: { force: true } } });

const created = await POST('/api-keys', { body: { name: 'Short-lived', role: 'user' } });
const key_id = created.data?.data.key.key_id ?? '';
const keys = await GET('/api-keys');
const revoked = await DELETE('/api-keys/{key_id}', { params: { path: { key_id } } });

console.log(
  JSON.stringify({
    organization_id: me.data?.data.organization_id,
    integration: integration.data?.data.status,
    available: available.data?.data.length,
    integrations: integrations.data?.pagination.total_count,
    sip_uri,
    request_id: imported.response.headers.get('X-Request-Id'),
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
