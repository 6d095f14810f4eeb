import type { Exchange } from './recorder.ts';
import { readJson } from './recording.ts';

/** The ids of what was made and not removed, by the recorded calls. What a call with a lost answer made is missing. */
export const stillThere = (exchanges: readonly Exchange[]): string[] => {
  const there = new Set<string>();
  for (const { vendor, method, path, answer, body } of exchanges) {
    if (answer === undefined || answer.status >= 300) continue;
    const [asked, said] = [readJson(body), readJson(answer.body)].map(Object) as [Thing, Thing];
    if (vendor === 'livekit' && /\/CreateSIP/.test(path)) there.add(idIn(said));
    if (vendor === 'livekit' && /\/DeleteSIP/.test(path)) there.delete(idIn(asked));
    // Updates go to the resource itself, whose id ends the path.
    if (vendor === 'twilio' && method === 'POST' && !IDS_AT_THE_END.test(path)) there.add(String(said.sid));
    if (vendor === 'twilio' && method === 'DELETE') there.delete(IDS_AT_THE_END.exec(path)?.[1] ?? '');
  }
  return [...there].filter(Boolean);
};

type Thing = Record<string, unknown>;

const IDS_AT_THE_END = /\/([A-Z]{2}[0-9a-fA-F]{32})(?:\.json)?$/;

const idIn = (thing: Thing): string =>
  String(
    ['sip_trunk_id', 'sipTrunkId', 'sip_dispatch_rule_id', 'sipDispatchRuleId']
      .map((name) => thing[name])
      .find(Boolean) ?? '',
  );
