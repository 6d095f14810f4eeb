import type { Breach } from './judge.ts';

/** What the service sends although Twilio's documents do not allow it, and why. */
export const exceptions = [
  {
    call: 'UpdateIncomingPhoneNumber',
    at: 'form/TrunkSid',
    value: '',
    reason:
      'Takes a number off its trunk in one call, with its voice URL. The documented way, DELETE /v1/Trunks/{TrunkSid}/PhoneNumbers/{Sid}, is not there in IE1.',
  },
  {
    call: 'UpdateIncomingPhoneNumber',
    at: 'form/VoiceUrl',
    value: '',
    reason: 'Gives back that a number had no voice URL. The documents name no way to empty one.',
  },
  {
    call: 'UpdateIncomingPhoneNumber',
    at: 'form/VoiceFallbackUrl',
    value: '',
    reason: 'As for the voice URL.',
  },
] as const;

export const isException = ({ call, at, value }: Breach): boolean =>
  exceptions.some((exception) => exception.call === call && exception.at === at && exception.value === value);
