import { Problem } from '@trunkline/contracts';
import { isRefusal } from '../provisioning/index.ts';
import { carrierOf, type Job } from './job.ts';

/**
 * The id of a verified caller ID: a number that another carrier has and that the account may call from (a trunk's From
 * must be a number of the account or one of these: https://www.twilio.com/docs/api/errors/32204). Throws if the number
 * is not one, or if it should also take calls.
 */
export async function requireCallerId(job: Job): Promise<string> {
  const { phone_number, supports_inbound, supports_outbound } = job.record;
  const { account_sid, numbers } = carrierOf(job);
  let unseen = '';
  const caller_id_sid = await numbers.findCallerId(phone_number).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    unseen = ` Trunkline could not check whether it is a verified caller ID, which agents could call from: ${error.detail}`;
    return undefined;
  });
  if (caller_id_sid === undefined) {
    throw new Problem(
      'phone_number_not_owned',
      `The Twilio account ${account_sid} does not own ${phone_number}. Import it with the integration of the account that does.${unseen}`,
    );
  }
  if (supports_outbound && !supports_inbound) return caller_id_sid;
  throw new Problem(
    'phone_number_not_owned',
    `${phone_number} is a verified caller ID of the Twilio account ${account_sid}, which does not own it: agents can call from it, but calls to it stay with the carrier that has it. Import it with only supports_outbound, or with provider sip through that carrier.`,
  );
}
