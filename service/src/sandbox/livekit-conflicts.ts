import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from '@livekit/protocol';

// Conflicts of trunks and rules: livekit/protocol v1.50.5, sip/sip.go (ValidateTrunksIter, DispatchRuleValidator).

export const normaliseNumber = (number: string): string => {
  if (!/^\+?[\d\- ()]+$/.test(number)) return number;
  const bare = number.replace(/[ \-()]/g, '');
  return bare.startsWith('+') ? bare : `+${bare}`;
};

/** Trunks clash if they share a number or both have none, and also share an allowed number or both have none. */
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

/** Rules clash if they share trunk, PIN, caller and called number. Those for all trunks clash only with each other. */
export const conflictingRule = (rules: SIPDispatchRuleInfo[]): string | undefined => {
  const orAny = (list: string[]) => (list.length === 0 ? [''] : list);
  const taken = new Map<string, SIPDispatchRuleInfo>();
  for (const rule of rules) {
    if (rule.rule?.rule.case === undefined) return 'twirp error unknown: unsupported SIP Dispatch Rule: <nil>';
    const { pin } = rule.rule.rule.value;
    for (const trunk of orAny(rule.trunkIds)) {
      for (const caller of orAny(rule.inboundNumbers)) {
        for (const called of orAny(rule.numbers)) {
          const key = JSON.stringify([pin, trunk, normaliseNumber(caller), normaliseNumber(called)]);
          const other = taken.get(key);
          if (other) {
            return `Dispatch rule for the same trunk, inbound number, number, and PIN combination already exists in dispatch rule ${idOf(other.sipDispatchRuleId)} ${JSON.stringify(other.name || '<blank name>')}`;
          }
          taken.set(key, rule);
        }
      }
    }
  }
  return undefined;
};
