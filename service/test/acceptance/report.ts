import type { Outcome } from './accept.ts';
import type { AcceptanceSettings } from './settings.ts';

/** A report of each promise and what was seen, for people, without secrets. */
export const reportOf = (
  { promises, left, exchanges }: Outcome,
  { account_sid, phone_number, livekit, twilio_api_url }: AcceptanceSettings,
): string => {
  const broken = promises.filter(({ kept }) => !kept).length;
  return [
    '# Acceptance',
    '',
    `- When: ${new Date().toISOString()}`,
    `- Twilio: ${account_sid}${twilio_api_url ? `, at ${twilio_api_url}` : ''}; the number ${phone_number}`,
    `- LiveKit: ${livekit.url}, calls to ${livekit.sip_host}`,
    `- ${promises.length - broken} of ${promises.length} promises were kept, with ${exchanges.length} requests to the vendors.`,
    '',
    '| promise | kept | what was seen |',
    '| --- | --- | --- |',
    ...promises.map(
      ({ promise, kept, seen }) => `| ${promise} | ${kept ? 'yes' : '**no**'} | ${seen.replaceAll('|', '\\|')} |`,
    ),
    '',
    left.length === 0 ? 'Nothing of it is left at Twilio or LiveKit.' : 'This is left, and is yours to take away:',
    ...left.map((line) => `- ${line}`),
    '',
  ].join('\n');
};
