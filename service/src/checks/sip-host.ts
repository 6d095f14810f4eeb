import { lookup } from 'node:dns/promises';
import { splitHostAndPort } from '@trunkline/contracts';
import { untilAborted } from '../database/abort.ts';
import { type Check, failed, ok, type Seen, timeoutAt, warning } from './run-checks.ts';
import { askOptions, NotSip, type SipServer, type Transport } from './sip-options.ts';

/** The share of its time that a check waits for the name to resolve, and then again for an answer. */
const SHARE = 0.4;

export interface SipHostDependencies {
  /** `host` or `host:port`. */
  sip_host: string;
  /** Whether carriers send calls over TLS. */
  secure: boolean;
}

/**
 * Whether carriers can find the SIP host, and whether it answers over the transport that they use: TLS at port 5061, or
 * TCP at 5060, unless the setting has a port (RFC 3261, 19.1.2). Silence is only a warning: a firewall may let in
 * nobody but carriers.
 */
export const sipHostCheck = ({ sip_host, secure }: SipHostDependencies): Check => ({
  name: 'sip_host',
  look: async ({ signal, longest_ms }) => {
    const { host = sip_host, port = secure ? 5061 : 5060 } = splitHostAndPort(sip_host) ?? {};
    const inTime = () => AbortSignal.any([signal, timeoutAt(SHARE * longest_ms)]);
    let ip: string;
    try {
      ({ address: ip } = await untilAborted(inTime(), lookup(host)));
    } catch (error) {
      return failed(
        `${host} does not resolve (${codeOf(error) ?? 'no answer'}), so no carrier finds it.`,
        "Correct LIVEKIT_SIP_HOST: it is the host of the SIP URI in LiveKit's project settings.",
      );
    }
    const server = { host, ip, port };
    const ask = (transport: Transport) => tryTransport(server, transport, inTime());
    if (secure) {
      // A server without TLS may not answer a TLS handshake at all, but answers over TCP.
      const [tls, tcp] = await Promise.all([ask('tls'), ask('tcp')]);
      return seenOverTls(server, tls, tcp);
    }
    const [tcp, udp] = await Promise.all([ask('tcp'), ask('udp')]);
    return seenWithoutTls(server, tcp, udp);
  },
});

/** The status of a SIP answer, or why there is none. */
type Probe = { status: number } | { error: unknown };

const tryTransport = (server: SipServer, transport: Transport, signal: AbortSignal): Promise<Probe> =>
  askOptions(server, transport, signal).then(
    (status) => ({ status }),
    (error: unknown) => ({ error }),
  );

const whereOf = ({ host, ip, port }: SipServer): string =>
  host === ip ? `${host}, port ${port},` : `${host} (${ip}), port ${port},`;

const seenOverTls = (server: SipServer, tls: Probe, tcp: Probe): Seen => {
  const where = whereOf(server);
  if ('status' in tls) return seenStatus(`${where} answers SIP over TLS, with a valid certificate`, tls.status);
  const code = codeOf(tls.error) ?? '';
  const withoutTls = 'status' in tcp;
  if (withoutTls || code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const how = withoutTls ? 'answers SIP without TLS' : `answers, but no TLS connection can be made (${code})`;
    return failed(
      `${where} ${how}, and Twilio is told to send calls over TLS.`,
      'Name the port at which it takes TLS in LIVEKIT_SIP_HOST, or set TWILIO_SECURE_TRUNKING=false for calls without it.',
    );
  }
  if (isOfCertificate(code)) {
    return failed(
      `${where} has a certificate that is not valid for it: ${messageOf(tls.error)} (${code}).`,
      'Give the SIP server a certificate for this name, from an authority that carriers trust. A carrier that checks it sends no calls.',
    );
  }
  return silent(`${where} does not answer over TLS`, tls.error);
};

const seenWithoutTls = (server: SipServer, tcp: Probe, udp: Probe): Seen => {
  const where = whereOf(server);
  if ('status' in tcp) return seenStatus(`${where} answers SIP over TCP`, tcp.status);
  if ('status' in udp) {
    return warning(
      `${where} answers SIP over UDP, and not over TCP (${describe(tcp.error)}).`,
      'Open the port for TCP: Twilio is told to send calls over it.',
    );
  }
  return silent(`${where} answers neither over TCP nor over UDP`, tcp.error);
};

const seenStatus = (said: string, status: number): Seen =>
  status < 500
    ? ok(`${said} (${status}).`)
    : warning(`${said}, but with ${status}.`, 'Look at the SIP server: it may be stopping, or have no room for calls.');

const silent = (said: string, error: unknown): Seen =>
  error instanceof NotSip
    ? failed(`${said}: it ${error.message}.`, 'Correct LIVEKIT_SIP_HOST, or its port: something else is there.')
    : warning(
        `${said} (${describe(error)}).`,
        'If its firewall lets in only carriers, all is well. Otherwise check LIVEKIT_SIP_HOST, and that the SIP server runs.',
      );

const describe = (error: unknown): string =>
  error instanceof NotSip ? `it ${error.message}` : (codeOf(error) ?? 'no answer');

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const isOfCertificate = (code: string): boolean =>
  /CERT|SELF_SIGNED|ISSUER|CRL|VERIFY|HOSTNAME_MISMATCH|PATH_LENGTH|INVALID_(CA|PURPOSE)/.test(code);
