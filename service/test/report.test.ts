import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LogEvent } from '../src/telemetry/log-events.ts';
import { drawNumber, type OpenedService, openService } from './open-service.ts';

let service: OpenedService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const linesOf = (event: LogEvent) =>
  service.logged.map((line) => JSON.parse(line)).filter((line) => line.event === event);
const sipNumber = () => ({ provider: 'sip' as const, phone_number: drawNumber(), supports_inbound: true });

it('logs the figures at the start, and once a minute', async () => {
  service.report.start();
  await expect.poll(() => linesOf('figures').length).toBe(1);
  expect(linesOf('figures')[0]).toMatchObject({
    phone_numbers: { importing: 0, active: 0, degraded: 0, releasing: 0 },
    reconciler_lag_seconds: 0,
  });
  await service.admin.client.phoneNumbers.import.mutate(sipNumber());
  await expect
    .poll(() => {
      service.clock.advance(60_000);
      return linesOf('figures').at(-1);
    })
    .toMatchObject({ phone_numbers: { active: 1 } });
  await service.report.stop();
});

it('logs the result of each import', async () => {
  const before = linesOf('import_ended').length;
  await service.admin.client.phoneNumbers.import.mutate(sipNumber());
  service.sandbox.faults.add({ call: 'livekit.CreateSIPInboundTrunk', kind: 'answer', status: 503, times: 3 });
  await expect(service.admin.client.phoneNumbers.import.mutate(sipNumber())).rejects.toThrow();
  expect(linesOf('import_ended').slice(before)).toMatchObject([
    { provider: 'sip', outcome: 'imported' },
    { provider: 'sip', outcome: 'provider_unavailable' },
  ]);
});
