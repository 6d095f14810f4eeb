import type { Connection } from '../src/database/connect.ts';
import { drawToken } from '../src/database/ids.ts';

/**
 * Only the round trips of an import on an existing trunk: dependent ones one after another, on the bare driver and
 * `fetch`, without schemas, SDKs, signatures, leases or an answer to a caller.
 */
export const openBareImport = (connection: Connection, providers_url: string) => {
  const records = connection.collection('bare_numbers');
  const events = connection.collection('bare_events');
  const call = async (path: string, method = 'POST') => {
    const response = await fetch(providers_url + path, { method, ...(method === 'POST' && { body: '{}' }) });
    return response.json();
  };
  const note = (phone_number: string, step: string) =>
    records.updateOne({ phone_number }, { $set: { [step]: new Date() } });

  return async () => {
    const phone_number = drawToken();
    await records.findOne({ phone_number });
    await records.insertOne({ phone_number });
    await Promise.all([
      call('/IncomingPhoneNumbers.json', 'GET'),
      call('/v2/PhoneNumbers/', 'GET'),
      call('/livekit.SIP/ListSIPInboundTrunk'),
    ]);
    const inbound = async () => {
      await call('/CreateSIPInboundTrunk');
      await note(phone_number, 'inbound_trunk');
      await call('/CreateSIPDispatchRule');
      await note(phone_number, 'dispatch_rule');
    };
    const outbound = async () => {
      await call('/CreateSIPOutboundTrunk');
      await note(phone_number, 'outbound_trunk');
    };
    await Promise.all([inbound(), outbound()]);
    await call('/IncomingPhoneNumbers/PN');
    await connection.getClient().withSession((session) =>
      session.withTransaction(async () => {
        await records.updateOne({ phone_number }, { $set: { carrier_routing: new Date() } }, { session });
        await events.insertOne({ phone_number }, { session });
      }),
    );
  };
};
