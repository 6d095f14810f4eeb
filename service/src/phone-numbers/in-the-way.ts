import { Problem } from '@trunkline/contracts';
import type { FoundInboundTrunk } from './providers.ts';
import type { PhoneNumberRecord } from './record.ts';

// Problems about what others have at LiveKit, and how to make room without breaking the rest of it.

type Numbered = Pick<PhoneNumberRecord, 'phone_number'>;

/** A trunk that loses its last number takes calls to all numbers, so one without other numbers must be deleted. */
export const answeredElsewhere = ({ phone_number }: Numbered, trunk: FoundInboundTrunk): Problem => {
  const { resource_id, written, has_other_numbers } = trunk;
  const otherwise = written.filter((number) => number !== phone_number);
  const spelt = otherwise.length > 0 ? ` (there it is written ${otherwise.join(' and ')})` : '';
  const whatToDo = has_other_numbers
    ? `Take ${phone_number} off that trunk, but leave its other numbers there, then try again.`
    : 'Delete that trunk, which has no other number, then try again. Do not leave it without numbers: it would take the calls of all numbers.';
  return new Problem(
    'number_answered_elsewhere',
    `LiveKit's inbound trunk ${resource_id}, which Trunkline did not make, has ${phone_number}${spelt}. ${whatToDo}`,
    { trunk_id: resource_id },
  );
};

/** For when LiveKit names a clashing trunk that it does not list for the number. */
export const refusedForAnother = ({ phone_number }: Numbered, trunk_id: string | undefined): Problem =>
  new Problem(
    'number_answered_elsewhere',
    `LiveKit refuses an inbound trunk for ${phone_number}, because it clashes with ${trunk_id ?? 'another one'}. Take the number off that trunk, then try again.`,
    trunk_id === undefined ? {} : { trunk_id },
  );

/** For two trunks without numbers: the trunks that have this number were ruled out before. */
export const trunksClash = (one: string, other: string): Problem =>
  new Problem(
    'livekit_clash',
    `LiveKit refuses every new inbound trunk while ${one} and ${other} clash: both take calls to all numbers from the same callers. Trunkline made neither. Give one of them its own numbers or callers (allowed_numbers), or delete it, then try again.`,
  );

export const rulesClash = (rule_id: string | undefined): Problem =>
  new Problem(
    'livekit_clash',
    `LiveKit refuses every new dispatch rule while two that it has clash: ${rule_id ?? 'one that it does not name'}, and another for the same trunks and the same PIN. Trunkline made neither. Change or delete one of them, then try again.`,
  );

export const ruleOnOurTrunk = (rule_id: string | undefined, inbound_trunk_id: string): Problem =>
  new Problem(
    'livekit_clash',
    `LiveKit's dispatch rule ${rule_id}, which Trunkline did not make, is bound to the trunk ${inbound_trunk_id} that Trunkline made. Take that trunk off the rule, then try again.`,
  );
