import { splitHostAndPort } from '@trunkline/contracts';
import { authenticationOf } from './allowed-addresses.ts';
import type { SipRecord } from './record.ts';

/** The host at which a Twilio Elastic SIP trunk takes calls, with or without an edge name. */
const TERMINATION = /\.pstn(\.[a-z0-9-]+)?\.twilio\.com\.?$/i;

/** What Twilio will refuse if a number is imported as `sip` through the caller's own Twilio trunk. */
export const ownTwilioTrunkWarnings = (record: SipRecord): string[] => {
  const { host = '', port } = splitHostAndPort(record.sip_server_address ?? '') ?? {};
  if (!TERMINATION.test(host)) return [];
  const { media_encryption, sip_transport, supports_inbound, supports_outbound } = record;
  const isTls =
    sip_transport === 'tls' || (sip_transport === 'auto' && (port === 5061 || media_encryption === 'require'));
  const warnings: string[] = [];
  // https://docs.livekit.io/telephony/accepting-calls/inbound-trunk
  if (supports_inbound && authenticationOf(record) === 'digest') {
    warnings.push(
      "Calls from Twilio are refused: its trunks cannot answer a digest challenge. Set inbound_authentication to none, and allowed_addresses to Twilio's (https://www.twilio.com/docs/sip-trunking/ip-addresses).",
    );
  }
  if (supports_outbound && media_encryption !== 'disable' && !isTls) {
    warnings.push(
      `Twilio refuses outbound calls: with media_encryption ${media_encryption}, LiveKit offers only SRTP, which a trunk without Secure Trunking refuses (32207), and one with it accepts only over TLS (32209). Set media_encryption to disable or, if Secure Trunking is on, to require, with sip_transport tls.`,
    );
  }
  return warnings.length === 0
    ? []
    : [
        `${host} is a Twilio trunk. Import the number with provider twilio and an integration of its account, and Trunkline sets both sides to match.`,
        ...warnings,
      ];
};
