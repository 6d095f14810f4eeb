import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { PhoneNumberDetail, type PhoneNumberId } from '@trunkline/contracts';
import express, { type Request, type Response } from 'express';
import { Schema } from 'mongoose';
import { z } from 'zod';
import { createBackground } from '../src/background.ts';
import { systemClock } from '../src/clock.ts';
import { readConfig } from '../src/config/index.ts';
import { type Connection, transactionOn } from '../src/database/connect.ts';
import { openInstallation } from '../src/database/installation.ts';
import { createEventStore } from '../src/events/store.ts';
import { createLimits } from '../src/http/limits.ts';
import { requestLog } from '../src/http/request-log.ts';
import { listen } from '../src/http/serve.ts';
import { createOrganizations } from '../src/organizations/index.ts';
import { drawApiKey } from '../src/organizations/raw-key.ts';
import { describePhoneNumberDetail } from '../src/phone-numbers/describe.ts';
import type { PhoneNumberRecord } from '../src/phone-numbers/record.ts';
import { createLogging } from '../src/telemetry/log.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

/**
 * The route as one would write it alone, with Express, zod and mongoose, and again on a bare tRPC server.
 * Authentication, rate limits and the request log are the service's own, so that both sides do these alike.
 */
export const listenByHand = async (connection: Connection) => {
  const logging = createLogging('info', { write: () => {} });
  const background = createBackground(logging.log);
  const shared = {
    connection,
    inTransaction: transactionOn(connection),
    events: createEventStore({ connection, clock: systemClock }),
    clock: systemClock,
  };
  const organizations = createOrganizations({
    ...shared,
    installation: await openInstallation(connection, 'bench'),
    background,
    quotas: { api_keys: 1 },
  });
  const api_key = drawApiKey();
  const numbers = connection.model<PhoneNumberRecord>(
    'ByHand',
    new Schema<PhoneNumberRecord>({}, { strict: false }),
    'phone_numbers',
  );
  const [number] = await numbers.find().limit(1).lean<PhoneNumberRecord[]>();
  if (number === undefined) throw new Error('There is no number to read');
  const { organization_id } = await organizations.createOrganization({
    name: 'By hand',
    raw_key: api_key,
    actor: { system: 'command_line' },
  });
  await numbers.updateOne({ phone_number_id: number.phone_number_id }, { $set: { by_hand: organization_id } });

  const limits = createLimits({ calls_per_second: 1_000_000, anonymous_per_second: 20 });
  const admit = async (req: Request, res: Response) => {
    const identity = await organizations.identify.identify(String(req.headers['x-api-key']));
    if (!identity || req.headers['x-organization-id'] !== identity.organization_id) return undefined;
    await limits.count(identity.key_id, 1, res);
    return identity;
  };
  const Params = z.object({ phone_number_id: z.string().regex(/^phon_[0-9a-f]{12}$/) });
  const read = async (phone_number_id: string) => {
    const record = await numbers
      .findOne({ by_hand: organization_id, phone_number_id: phone_number_id as PhoneNumberId })
      .lean<PhoneNumberRecord>();
    return record && { success: true as const, data: describePhoneNumberDetail(record, 'bench.sip.invalid', null) };
  };

  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(requestLog(logging, createMetrics()));
  app.get('/api/phone-numbers/:phone_number_id', async (req, res) => {
    if (!(await admit(req, res))) return void res.status(401).json({ success: false });
    const { data, error } = Params.safeParse(req.params);
    if (!data) return void res.status(400).json({ success: false, issues: error.issues });
    const answer = await read(data.phone_number_id);
    res.status(answer ? 200 : 404).json(answer ?? { success: false });
  });

  const t = initTRPC.context<{ identity: object | undefined }>().create();
  const router = t.router({
    phoneNumbers: t.router({
      get: t.procedure
        .input(Params)
        .output(z.object({ success: z.literal(true), data: PhoneNumberDetail }))
        .query(async ({ ctx, input }) => {
          if (!ctx.identity) throw new TRPCError({ code: 'UNAUTHORIZED' });
          const answer = await read(input.phone_number_id);
          if (!answer) throw new TRPCError({ code: 'NOT_FOUND' });
          return answer;
        }),
    }),
  });
  app.use(
    '/trpc',
    createExpressMiddleware({ router, createContext: async ({ req, res }) => ({ identity: await admit(req, res) }) }),
  );

  const { port } = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    setting: 'PORT',
    connections: readConfig({}),
  });
  return { url: `http://127.0.0.1:${port}`, api_key, organization_id, phone_number_id: number.phone_number_id };
};
