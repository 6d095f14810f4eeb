import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from '@livekit/protocol';
import { TwirpError } from './livekit-wire.ts';

// What livekit/protocol v1.50.5 refuses: livekit/sip.go (Validate…) and sip/sip.go (ValidateTrunksIter, DispatchRuleValidator).

export const refuseInbound = ({
  authUsername,
  authPassword,
  allowedAddresses,
  numbers,
  headers,
}: SIPInboundTrunkInfo): void => {
  if (!authUsername && !authPassword && allowedAddresses.length === 0 && numbers.length === 0) {
    throw TwirpError.invalid(
      'for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers',
    );
  }
  refuseHeaders(headers);
};

export const refuseOutbound = ({ numbers, address, headers }: SIPOutboundTrunkInfo): void => {
  if (numbers.length === 0) throw TwirpError.invalid('no trunk numbers specified');
  if (address === '') throw TwirpError.invalid('no outbound address specified');
  if (address.includes('transport=')) throw TwirpError.invalid('trunk address should not contain transport parameter');
  if (/[@;]|^sips?:/.test(address)) throw TwirpError.invalid('trunk address should be a hostname or IP, not SIP URI');
  refuseHeaders(headers);
};

const refuseHeaders = (headers: Record<string, string>): void => {
  for (const name of Object.keys(headers)) {
    const bad = [...name].find((letter) => !/[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(letter));
    if (bad === undefined) continue;
    throw TwirpError.invalid(
      `invalid header name: header name ${name} contains invalid characters: char ${bad.codePointAt(0)} not allowed`,
    );
  }
};

export const normaliseNumber = (number: string): string => {
  if (!/^\+?[\d\- ()]+$/.test(number)) return number;
  const bare = number.replace(/[ \-()]/g, '');
  return bare.startsWith('+') ? bare : `+${bare}`;
};

/** Trunks clash that share a number, or both have none, and share an allowed number, or both have none. */
export const conflictingTrunk = (trunks: SIPInboundTrunkInfo[]): string | undefined => {
  const taken = new Map<string, SIPInboundTrunkInfo>();
  for (const trunk of trunks) {
    const called = trunk.numbers.length === 0 ? [''] : new Set(trunk.numbers.map(normaliseNumber));
    for (const number of called) {
      for (const allowed of trunk.allowedNumbers.length === 0 ? [undefined] : trunk.allowedNumbers) {
        const key = JSON.stringify([number, allowed === undefined ? '' : normaliseNumber(allowed)]);
        const other = taken.get(key);
        if (other && other.sipTrunkId !== trunk.sipTrunkId) return clash(trunk, other, allowed);
        taken.set(key, trunk);
      }
    }
  }
  return undefined;
};

const clash = (trunk: SIPInboundTrunkInfo, other: SIPInboundTrunkInfo, allowed: string | undefined): string => {
  const numbers =
    trunk.numbers.length === 0 ? '<any>' : `[${trunk.numbers.map((number) => JSON.stringify(number)).join(' ')}]`;
  const both = `${idOf(trunk.sipTrunkId)} and ${idOf(other.sipTrunkId)}`;
  const why = allowed === undefined ? 'without AllowedNumbers set' : `and AllowedNumber ${JSON.stringify(allowed)}`;
  return `Conflicting inbound SIP Trunks: ${both}, using the same number(s) ${numbers} ${why}`;
};

const idOf = (id: string): string => JSON.stringify(id || '<new>');

/** Rules clash that share trunk, PIN, caller and called number; a rule for all trunks clashes only with another such. */
export const conflictingRule = (rules: SIPDispatchRuleInfo[]): string | undefined => {
  const orAny = (list: string[]) => (list.length === 0 ? [''] : list);
  const taken = new Map<string, SIPDispatchRuleInfo>();
  for (const rule of rules) {
    const pin = rule.rule?.rule.value?.pin ?? '';
    for (const trunk of orAny(rule.trunkIds)) {
      for (const caller of orAny(rule.inboundNumbers)) {
        for (const called of orAny(rule.numbers)) {
          const key = JSON.stringify([pin, trunk, normaliseNumber(caller), normaliseNumber(called)]);
          const other = taken.get(key);
          if (other) {
            return `Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch rule ${idOf(other.sipDispatchRuleId)} ${JSON.stringify(other.name)}`;
          }
          taken.set(key, rule);
        }
      }
    }
  }
  return undefined;
};
