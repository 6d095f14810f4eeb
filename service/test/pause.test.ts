import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { drawSid } from '../src/sandbox/twilio-things.ts';
import { everyOperation } from './every-operation.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';
import { sampleInput } from './sample-input.ts';
import { expectWholeWorld, readWorld, settle, uncertainNow } from './world.ts';

const mongodb_uri = inject('mongodb_uri').replace('/trunkline?', '/test_pause?');
const cli = join(import.meta.dirname, '../src/admin/cli.ts');

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ mongodb_uri, environment: { PROVIDER_TIMEOUT_SECONDS: '20' } });
});
afterEach(async () => {
  service.sandbox.faults.clear();
  await trunkline('resume');
  service.clock.advance(1001);
  await settle(service);
});
afterAll(() => service.close());

/** Runs the operator's command. Replicas notice it within a second. */
const trunkline = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], {
    env: { MONGODB_URI: mongodb_uri },
  });
  service.clock.advance(1001);
  return stdout;
};
const sip = () => ({ phone_number: drawNumber(), provider: 'sip', supports_inbound: true }) as const;
const numbers = () => service.connection.collection('phone_numbers');

describe('trunkline pause', () => {
  /** An integration's name may still be changed. */
  const whole: Record<string, object[]> = {
    'integrations.update': [
      { credentials: { provider: 'twilio', account_sid: `AC${'0'.repeat(32)}`, auth_token: 'token' } },
      { call_transfers: 'all', name: 'A name' },
      { rotate_trunk_password: true },
    ],
  };

  it('refuses every operation that lists the problem `paused`, and calls no provider', async () => {
    const { data } = await service.admin.client.phoneNumbers.import.mutate(sip());
    const { phone_number_id } = data;
    const { integration_id } = await service.integrate(service.admin, []);
    const { data: key } = await service.admin.client.apiKeys.create.mutate({ name: 'Another', role: 'user' });
    const own = { phone_number_id, integration_id, key_id: key.key.key_id };
    expect(await trunkline('pause')).toContain('trunkline resume');
    const calls = service.sandbox.faults.calls.length;
    for (const { title, name, operation, ask } of everyOperation.filter((it) => it.operation.kind === 'mutation')) {
      const isListed = operation.problems.includes('paused');
      for (const changes of whole[name] ?? [sampleInput(name, operation, own)]) {
        const input = { ...changes, ...(whole[name] && { integration_id }) };
        const { headers, body } = await ask(service.admin, name, operation, input);
        expect({ title, input, isPaused: body.code === 'paused' }).toEqual({ title, input, isPaused: isListed });
        expect(headers.get('Retry-After')).toBe(isListed ? '60' : null);
      }
    }
    const path = `/api/phone-numbers/${phone_number_id}`;
    const account = `/api/integrations/${integration_id}`;
    expect((await service.admin.rest('PUT', account, { name: 'Renamed' })).status).toBe(200);
    expect((await service.admin.rest('GET', path)).status).toBe(200);
    expect((await service.admin.rest('GET', account)).body.data).toMatchObject({ state: 'active', name: 'Renamed' });
    expect(service.sandbox.faults.calls.slice(calls)).toEqual([]);
    await trunkline('resume');
    expect((await service.admin.rest('DELETE', path)).status).toBe(200);
    expect((await service.admin.rest('DELETE', account)).status).toBe(200);
  });

  it('drops an import under way, and rolls it back once resumed', async () => {
    const input = { ...sip(), supports_outbound: true, sip_server_address: 'sip.example.com' };
    service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'hold_after' });
    const answer = service.admin.rest('POST', '/api/phone-numbers', input);
    await service.sandbox.faults.holding();
    await trunkline('pause');
    service.sandbox.faults.release();
    expect(await answer).toMatchObject({ status: 503, body: { code: 'paused' } });
    service.clock.advance(120_000);
    await service.reconciler.turn();
    expect(await numbers().findOne({ holds: input.phone_number })).toMatchObject({ provisioning_state: 'releasing' });
    await trunkline('resume');
    await settle(service);
    await expectWholeWorld(service);
    expect((await service.admin.rest('POST', '/api/phone-numbers', input)).status).toBe(201);
  });
});

describe('repairing', () => {
  /** Numbers with a second trunk that has our tag at LiveKit, as after restoring another installation's database. */
  const doubled = async (count: number) => {
    const caller = await service.newOrganization();
    for (let n = 0; n < count; n++) {
      const { data } = await caller.client.phoneNumbers.import.mutate(sip());
      const trunk = await service.sandbox.shelf.get<object>('livekit.inbound_trunk', data.inbound_trunk_id ?? '');
      const sipTrunkId = `ST_double${data.phone_number_id.slice(5)}`;
      await service.sandbox.shelf.put('livekit.inbound_trunk', sipTrunkId, { ...trunk, sipTrunkId });
    }
    await numbers().updateMany({ organization_id: caller.organization_id }, { $set: uncertainNow(service) });
    const left = async () =>
      (await readWorld(service)).inbound.filter(({ sipTrunkId }) => sipTrunkId?.startsWith('ST_double')).length;
    return { caller, left };
  };

  it('removes no more than ten trunks and rules an hour if that exceeds one per hundred numbers, until resumed', async () => {
    const { caller, left } = await doubled(14);
    await service.reconciler.turn();
    expect(await left()).toBe(4);
    const { data } = await caller.client.phoneNumbers.list.query();
    const details = await Promise.all(
      data.map(({ phone_number_id }) => caller.client.phoneNumbers.get.query({ phone_number_id })),
    );
    const stopped = details.filter((it) => it.data.provisioning.problem?.code === 'paused');
    expect(stopped.map((it) => it.data.provisioning.problem?.detail)).toEqual(
      Array(4).fill(expect.stringMatching(/^Repairs are paused: .*unusually many trunks or rules\. Ask the operator/)),
    );
    expect(stopped.map((it) => it.data.provisioning.attempt)).toEqual([1, 1, 1, 1]);
    expect(service.logged.filter((line) => line.includes('"removals_stopped"')).length).toBeGreaterThan(0);

    service.clock.advance(7_200_000);
    await service.reconciler.turn();
    expect(await left()).toBe(4);
    await trunkline('resume');
    await settle(service);
    expect(await left()).toBe(0);
    await expectWholeWorld(service);
  });

  it('removes no more than ten trunks of an account at Twilio an hour, until resumed', async () => {
    const phone_number = drawNumber();
    const { integration_id, account_sid } = await service.integrate(service.admin, [{ phone_number }]);
    const input = { phone_number, provider: 'twilio', supports_inbound: true, integration_id } as const;
    await service.admin.client.phoneNumbers.import.mutate(input);
    await settle(service);
    const friendly_name = `trunkline ${service.installation_id} ${integration_id}`;
    for (let n = 0; n < 14; n++) {
      const sid = drawSid('TK');
      await service.sandbox.shelf.put('twilio.trunk', sid, { sid, account_sid, friendly_name, secure: false });
    }
    await service.connection.collection('integrations').updateOne({ integration_id }, { $set: uncertainNow(service) });
    const count = async () =>
      (await readWorld(service)).trunks.filter((trunk) => trunk.account_sid === account_sid).length;
    await service.reconciler.turn();
    expect(await count()).toBe(5);
    service.clock.advance(7_200_000);
    await service.reconciler.turn();
    expect(await count()).toBe(5);
    await trunkline('resume');
    await settle(service);
    expect(await count()).toBe(1);
    await expectWholeWorld(service);
  });

  it('does not count what a release or a rollback removes: those never stop', async () => {
    const caller = await service.newOrganization();
    for (let n = 0; n < 14; n++) {
      const { data } = await caller.client.phoneNumbers.import.mutate(sip());
      const released = await caller.rest('DELETE', `/api/phone-numbers/${data.phone_number_id}`);
      expect(released.status).toBe(200);
      service.sandbox.faults.add({ call: 'livekit.CreateSIPDispatchRule', kind: 'answer', status: 400 });
      expect((await caller.rest('POST', '/api/phone-numbers', sip())).status).toBe(502);
    }
    await settle(service);
    await expectWholeWorld(service);
  });
});
