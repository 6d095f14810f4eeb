import { expect, it, vi } from 'vitest';
import { createSecrets } from '../database/secrets.ts';
import { createMaskedRouting, sealRouting } from './former-routing.ts';
import type { TwilioRecord } from './record.ts';

const secrets = createSecrets(new Map([['test', new Uint8Array(32)]]));
const routing = {
  voice_url: 'https://user:pass@example.com/voice?token=x',
  voice_method: 'POST',
  voice_fallback_url: null,
  voice_fallback_method: null,
  trunk_sid: null,
  voice_application_sid: null,
};
const rowOf = (phone_number_id: TwilioRecord['phone_number_id'], former_routing: string) =>
  ({ provider: 'twilio', phone_number_id, former_routing }) as TwilioRecord;

it('decrypts a former routing once for many reads and masks it, and never decrypts it in another row', async () => {
  const phone_number_id = 'phon_000000000001';
  const open = vi.fn(secrets.open);
  const maskedRoutingOf = createMaskedRouting({ ...secrets, open });
  const sealed = await sealRouting(secrets, { phone_number_id }, routing);
  const masked = { ...routing, voice_url: 'https://***@example.com/voice?***' };
  for (let read = 0; read < 3; read++) {
    expect(await maskedRoutingOf(rowOf(phone_number_id, sealed))).toEqual(masked);
    expect(await maskedRoutingOf(rowOf('phon_000000000002', sealed))).toBeNull();
  }
  expect(open).toHaveBeenCalledTimes(1 + 3);
});
