import { splitHostAndPort } from '@trunkline/contracts';
import { hostOf } from './setting-values.ts';
import type { SettingValues } from './settings.ts';

/** Finds settings that are valid alone but contradict each other. */
export const contradictionsIn = (values: SettingValues): string[] => {
  const { provider_timeout_ms, lease_ms, import_deadline_ms, port, metrics_port } = values;
  const { twilio_secure_trunking, livekit_url, livekit_sip_host = '' } = values;
  const faults: string[] = [];
  if (provider_timeout_ms >= lease_ms) {
    faults.push('LEASE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS: a call must fit into a lease');
  }
  if (provider_timeout_ms >= import_deadline_ms) {
    faults.push('IMPORT_DEADLINE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS: a call must fit into an import');
  }
  const url = livekit_url === undefined ? undefined : new URL(livekit_url);
  const { host: sip_host = '', port: sip_port } = splitHostAndPort(livekit_sip_host) ?? {};
  const isOfCloud = url !== undefined && isCloud(hostOf(url));
  if (isOfCloud && /^(ws|http):$/.test(url.protocol)) {
    faults.push('LIVEKIT_URL must begin with wss:// or https://: LiveKit Cloud takes nothing else');
  }
  if (isCloud(sip_host) && !isCloudSip(sip_host)) {
    faults.push(
      "LIVEKIT_SIP_HOST must be the host of the project's SIP URI, as in example.sip.livekit.cloud: LIVEKIT_URL's host takes no calls",
    );
  }
  if (url !== undefined && !isOfCloud && isCloudSip(sip_host)) {
    faults.push(
      'LIVEKIT_SIP_HOST must be where the LiveKit of LIVEKIT_URL takes calls: that is your own, and this is LiveKit Cloud',
    );
  }
  // RFC 3261, 19.1.2: 5061 is for TLS, 5060 for the others.
  if (twilio_secure_trunking !== undefined && sip_port === (twilio_secure_trunking ? 5060 : 5061)) {
    faults.push(
      `TWILIO_SECURE_TRUNKING must be ${!twilio_secure_trunking} with port ${sip_port} in LIVEKIT_SIP_HOST: 5061 is for TLS, and 5060 for calls without it`,
    );
  }
  const listensAt = [hostToListenAt(values), values.metrics_host];
  const areOne = new Set(listensAt).size === 1 || listensAt.some((host) => ['::', '0.0.0.0'].includes(host));
  if (port !== 0 && port === metrics_port && areOne) faults.push('METRICS_PORT must differ from PORT');
  return faults;
};

const isCloud = (host: string): boolean => /(^|\.)livekit\.cloud\.?$/i.test(host);
const isCloudSip = (host: string): boolean => /\.sip\.livekit\.cloud\.?$/i.test(host);

/** Whether carriers send calls to this host over TLS: LiveKit Cloud takes TLS, and 5061 is the port for it. */
export const takesTls = (sip_host: string): boolean => {
  const { host = '', port } = splitHostAndPort(sip_host) ?? {};
  return port === 5061 || (isCloud(host) && port !== 5060);
};

/** What carrier trunks are made for. Twilio's Secure Trunking needs a SIP host that takes TLS. */
export const madeFor = (
  { twilio_secure_trunking }: Pick<SettingValues, 'twilio_secure_trunking'>,
  sip_host: string,
): { secure: boolean; sip_host: string } => ({ secure: twilio_secure_trunking ?? takesTls(sip_host), sip_host });

export const hostToListenAt = ({ host, node_env }: Pick<SettingValues, 'host' | 'node_env'>): string =>
  host ?? (node_env === 'production' ? '::' : '127.0.0.1');
