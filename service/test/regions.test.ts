import { problemIn } from '@trunkline/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from '../src/sandbox/twilio-seed.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService({ environment: { PROVIDER_TIMEOUT_SECONDS: '2' } });
});
afterEach(() => service.sandbox.faults.clear());
afterAll(() => service.close());

const tokens = { ie1: 'e'.repeat(32), au1: 'a'.repeat(32) };

const prepare = async () => {
  const caller = await service.newOrganization();
  const phone_number = drawNumber();
  const account = await seedAccount(service.sandbox.shelf, [{ phone_number }], { regional_tokens: tokens });
  const integrate = (region: 'us1' | 'ie1' | 'au1' | undefined, auth_token: string) =>
    caller.client.integrations.create.mutate({
      name: 'Test',
      credentials: { provider: 'twilio', account_sid: account.sid, auth_token, ...(region && { region }) },
    });
  return { caller, phone_number, account, integrate };
};

describe('an account', () => {
  it('has an integration in each Region, and one in each', async () => {
    const { account, integrate } = await prepare();
    const made = [
      await integrate(undefined, account.auth_token),
      await integrate('ie1', tokens.ie1),
      await integrate('au1', tokens.au1),
    ];
    expect(made.map(({ data }) => data.region)).toEqual([null, 'ie1', 'au1']);
    for (const [region, token] of [
      ['us1', account.auth_token],
      ['ie1', tokens.ie1],
    ] as const) {
      const again = await integrate(region, token).catch(problemIn);
      const detail = expect.stringContaining(`in the Region ${region}`);
      expect(again).toMatchObject({ code: 'integration_already_exists', detail });
    }
  });

  it('is told which Region refuses its credentials', async () => {
    const { account, integrate } = await prepare();
    const refused = await integrate('ie1', account.auth_token).catch(problemIn);
    const detail = expect.stringContaining('in the Region ie1');
    expect(refused).toMatchObject({ code: 'provider_credentials_refused', detail });
  });
});
