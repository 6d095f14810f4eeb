import { permissionsOf, Role } from '@trunkline/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { everyOperation } from './every-operation.ts';
import { type Caller, createCaller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { type Belongings, sampleInput } from './sample-input.ts';

let service: OpenedService;
let owner: Caller;
let stranger: Caller;
let own: Belongings;

beforeAll(async () => {
  service = await openService({ environment: { MAX_API_KEYS: '1000' } });
  owner = service.admin;
  stranger = await service.newOrganization();
  const phone_number = drawNumber();
  const { integration_id } = await service.integrate(owner, [{ phone_number }]);
  const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
  const { data } = await owner.client.phoneNumbers.import.mutate(input);
  const keys = await owner.client.apiKeys.list.query();
  own = { phone_number_id: data.phone_number_id, integration_id, key_id: keys.data[0]!.key_id };
});
afterAll(() => service.close());

const rowsOf = async (organization_id: string) => {
  const collections = ['phone_numbers', 'integrations', 'api_keys', 'events', 'organizations'];
  const rows = collections.map((name) =>
    service.connection
      .collection(name)
      .find({ organization_id }, { projection: { last_used_at: 0 } })
      .toArray(),
  );
  return JSON.stringify(await Promise.all(rows));
};

describe('two organizations', () => {
  it.each(everyOperation)('cannot see each other: $title', async ({ name, operation, ask }) => {
    const before = await rowsOf(owner.organization_id);
    const input = sampleInput(name, operation, own);
    const { status, body } = await ask(stranger, name, operation, input);
    if (Object.values(input).some((value) => Object.values(own).includes(value as string))) {
      expect([403, 404]).toContain(status);
    }
    const { request_id: _request_id, detail: _detail, ...told } = body;
    for (const id of [...Object.values(own), owner.organization_id]) expect(JSON.stringify(told)).not.toContain(id);
    expect(await rowsOf(owner.organization_id)).toBe(before);
  });

  it.each(everyOperation)('cannot be confused by a header: $title', async ({ name, operation, ask }) => {
    const headers = { 'X-Organization-Id': owner.organization_id };
    const { status, body } = await ask(stranger, name, operation, sampleInput(name, operation, own), headers);
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'organization_mismatch' });
  });
});

describe('a caller without a working key', () => {
  let expired: Caller;
  beforeAll(async () => {
    const expires_at = new Date(service.clock.now() + 60_000).toISOString();
    const { data } = await owner.client.apiKeys.create.mutate({ name: 'Short', role: 'admin', expires_at });
    expired = createCaller({ url: service.url, apiKey: data.raw_key, organizationId: owner.organization_id });
    expect((await expired.rest('GET', '/api/me')).status).toBe(200);
    service.clock.advance(60_001);
  });

  const withKey = (apiKey: string) => createCaller({ url: service.url, apiKey, organizationId: owner.organization_id });
  const callers = {
    'no key': () => withKey(''),
    'a key that nobody made': () => withKey(drawApiKey()),
    'a key with a wrong checksum': () => withKey(owner.api_key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))),
    'an expired key': () => expired,
  };
  for (const [what, callerOf] of Object.entries(callers)) {
    it.each(everyOperation)(`is refused with ${what}: $title`, async ({ name, operation, ask }) => {
      const before = await rowsOf(owner.organization_id);
      const { status, body } = await ask(callerOf(), name, operation, sampleInput(name, operation, own));
      expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
      expect(await rowsOf(owner.organization_id)).toBe(before);
    });
  }
});

describe('roles', () => {
  for (const role of Role.options) {
    it.each(everyOperation)(`${role} may do what its permissions allow: $title`, async ({ name, operation, ask }) => {
      const caller = await service.newKey(stranger, role);
      const { permission } = operation;
      const allowed = permission === 'any key' || permissionsOf[role].includes(permission);
      const { status, body } = await ask(caller, name, operation, sampleInput(name, operation, own));
      if (allowed) expect(body.code).not.toBe('permission_denied');
      else expect({ status, code: body.code }).toEqual({ status: 403, code: 'permission_denied' });
    });
  }
});
