import { type Connection, databaseOf } from '../database/connect.ts';
import type { Switchboard } from '../phone-numbers/providers.ts';

/** How many numbers are looked up: one match is enough. */
const MOST_LOOKS = 20;

export interface HoldsTrunks {
  connection: Connection;
  switchboard: Pick<Switchboard, 'findInboundTrunks' | 'findOutboundTrunks'>;
  installation_id: string;
}

/** Whether LiveKit has a trunk of this installation. True if no number has trunks: then there is nothing to lose. */
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
