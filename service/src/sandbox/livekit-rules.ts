import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPMediaConfig, SIPOutboundTrunkInfo } from '@livekit/protocol';

// Same words and order as livekit/protocol v1.50.5: livekit/sip.go (ValidateResult), livekit/sip_validation.go.

export const faultOfInbound = (trunk: SIPInboundTrunkInfo): string | undefined => {
  const { authUsername, authPassword, allowedAddresses, numbers } = trunk;
  if (!authUsername && !authPassword && allowedAddresses.length === 0 && numbers.length === 0) {
    return 'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers';
  }
  return faultOfMedia(trunk.media) ?? faultOfAllHeaders(trunk);
};

export const faultOfOutbound = (trunk: SIPOutboundTrunkInfo): string | undefined => {
  const { numbers, address, fromHost } = trunk;
  if (numbers.length === 0) return 'no trunk numbers specified';
  if (address === '') return 'no outbound address specified';
  return (
    faultOfHost('trunk address', address) ??
    faultOfHost('from_host', fromHost) ??
    faultOfAllHeaders(trunk) ??
    faultOfMedia(trunk.media)
  );
};

export const faultOfRule = ({ rule, media }: SIPDispatchRuleInfo): string | undefined =>
  rule === undefined ? 'missing rule' : faultOfMedia(media);

const faultOfHost = (field: string, host: string): string | undefined => {
  if (host.includes('transport=')) return `${field} should not contain transport parameter`;
  if (/[@;]|^sips?:/.test(host)) return `${field} should be a hostname or IP, not SIP URI`;
  return undefined;
};

const LONGEST_MEDIA_TIMEOUT_SECONDS = 600n;

export const faultOfMedia = (media: SIPMediaConfig | undefined): string | undefined => {
  for (const { name } of media?.codecs ?? []) {
    if (name === '') return 'missing codec name';
    if (/[ \t\n\r]/.test(name)) return 'invalid codec name';
    if (name.includes('/')) return "codec name must not contain '/'";
  }
  const { seconds = 0n, nanos = 0 } = media?.mediaTimeout ?? {};
  if (seconds < 0n || nanos < 0) return 'media_timeout must not be negative';
  if (seconds > LONGEST_MEDIA_TIMEOUT_SECONDS || (seconds === LONGEST_MEDIA_TIMEOUT_SECONDS && nanos > 0))
    return 'media_timeout must not exceed 10m0s';
  return undefined;
};

type WithHeaders = Pick<SIPInboundTrunkInfo, 'headers' | 'headersToAttributes' | 'attributesToHeaders'>;

const faultOfAllHeaders = ({ headers, headersToAttributes, attributesToHeaders }: WithHeaders): string | undefined => {
  for (const [name, value] of Object.entries(headers)) {
    const fault = faultOfHeaderName(name) ?? faultOfReservedName(name) ?? faultOfHeaderValue(name, value);
    if (fault !== undefined) return fault;
  }
  return [...Object.values(attributesToHeaders), ...Object.keys(headersToAttributes)]
    .map(faultOfHeaderName)
    .find((fault) => fault !== undefined);
};

/** Stricter than a token in RFC 3261. */
const TOKEN = /[-.!%*_+`'~0-9A-Za-z]/;

const faultOfHeaderName = (name: string): string | undefined => {
  if (name === '') return 'invalid header name: header name cannot be empty';
  if (Buffer.byteLength(name) > 255) return 'invalid header name: header name too long (max 255 characters)';
  const bad = [...name].find((letter) => !TOKEN.test(letter));
  return bad && `invalid header name: header name ${name} contains invalid characters: ${sayWhy(bad)}`;
};

const sayWhy = (letter: string): string => {
  const code = letter.codePointAt(0) ?? 0;
  // The misspelling is LiveKit's.
  return code < 128
    ? `char ${code} not allowed`
    : `char ${code} out of range, consider explicilty adding utf8 characters`;
};

const reserved = new Set(
  'accept accept-encoding accept-language allow allow-events call-id contact content-encoding content-length content-type cseq event expires from max-forwards record-route refer-to reply-to k l m o r t u v'.split(
    ' ',
  ),
);

const faultOfReservedName = (name: string): string | undefined =>
  reserved.has(name.toLowerCase()) ? `invalid header name: header name ${name} not supported` : undefined;

const faultOfHeaderValue = (name: string, value: string): string | undefined => {
  const said = (why: string) => `invalid header value for ${name}: header ${name}: value${why}`;
  if (Buffer.byteLength(value) > 1024) return said(' too long (max 1024 characters)');
  const bad = [...value].find((letter) => /[^\t\x20-\x7e\x80-\u{10ffff}]/u.test(letter));
  return bad && said(`: char ${bad.codePointAt(0)} not allowed`);
};
