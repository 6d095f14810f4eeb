import { type Connection, databaseOf } from '../database/connect.ts';
import type { Switchboard } from '../phone-numbers/providers.ts';

/** So many numbers are looked for: one that is found will do. */
const MOST_LOOKS = 20;

export interface HoldsTrunks {
  connection: Connection;
  switchboard: Pick<Switchboard, 'findInboundTrunks' | 'findOutboundTrunks'>;
  installation_id: string;
}

/** Whether a LiveKit has a trunk that this installation made. Where the database has no number with trunks, nothing can be lost. */
export const holdsTrunksOf = async ({ connection, switchboard, installation_id }: HoldsTrunks): Promise<boolean> => {
  const withTrunks = {
    provisioning_state: { $in: ['active', 'degraded'] },
    $or: [{ supports_inbound: true }, { supports_outbound: true }],
  };
  const numbers = await databaseOf(connection)
    .collection<{ phone_number: string }>('phone_numbers')
    .find(withTrunks, { projection: { phone_number: 1 }, sort: { _id: -1 }, limit: MOST_LOOKS })
    .toArray();
  for (const { phone_number } of numbers) {
    const found = [
      ...(await switchboard.findInboundTrunks(phone_number)),
      ...(await switchboard.findOutboundTrunks(phone_number)),
    ];
    if (found.some(({ mark }) => mark?.installation_id === installation_id)) return true;
  }
  return numbers.length === 0;
};
