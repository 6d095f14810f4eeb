import type { Fault, Faults } from './faults.ts';
import { type Paths, readPaths } from './paths.ts';
import type { Shelf } from './shelf.ts';

/** The data of the page. */
export interface Overview extends Paths {
  verdict: { is_whole: boolean; says: string };
  /** The latest calls, newest first. */
  calls: { nth: number; call: string; fault: string | null }[];
  armed: string[];
}

export const readOverview = async (shelf: Shelf, faults: Faults): Promise<Overview> => {
  const paths = await readPaths(shelf);
  return {
    verdict: judge(paths),
    ...paths,
    calls: faults.latest.map(({ nth, call, fault }) => ({ nth, call, fault: fault ? sayKind(fault) : null })),
    armed: faults.armed().map(sayArmed),
  };
};

/** Whether anything is unfinished, or left over without a number. */
const judge = ({ paths, left_over, carrier_trunks }: Paths): Overview['verdict'] => {
  const connected = paths.filter(({ state }) => state === 'connected').length;
  const unfinished = paths.filter(({ state }) => state === 'unfinished').map(({ phone_number }) => phone_number);
  if (unfinished.length > 0 || left_over.length > 0) {
    const under = `Unfinished, so being built or taken away again: ${unfinished.join(', ')}.`;
    const left = `Left over: ${left_over.length} of LiveKit’s trunks and rules belong to no number.`;
    const says = [...(unfinished.length > 0 ? [under] : []), ...(left_over.length > 0 ? [left] : [])].join(' ');
    return { is_whole: false, says };
  }
  if (connected === 0) {
    const kept = carrier_trunks > 0 ? ' The carrier trunk of an account stays for its next import.' : '';
    const says = `Nothing is built: Trunkline has no trunk and no rule at LiveKit, and no number is on its trunk at Twilio.${kept}`;
    return { is_whole: true, says };
  }
  const which = connected === 1 ? '1 number is connected' : `${connected} numbers are connected`;
  return { is_whole: true, says: `Nothing is left over: ${which}, and every trunk and rule belongs to one.` };
};

const sayArmed = (fault: Fault): string => {
  const { call, skip, times } = fault;
  const after = skip > 0 ? `, after ${skip} that pass` : '';
  const which = times === 1 ? 'the next call' : `the next ${times} calls`;
  return `${call || 'any call'}: ${sayKind(fault)}, for ${which}${after}`;
};

const sayKind = ({ kind, status, delay_ms }: Fault): string => {
  const kinds: Record<Fault['kind'], string> = {
    slow: `slow by ${delay_ms} ms`,
    answer: `refused with ${status}`,
    drop_before: 'dropped before acting',
    drop_after: 'dropped after acting',
    hang_before: 'silent before acting',
    hang_after: 'silent after acting',
    hold_before: 'held before acting',
    hold_after: 'held after acting',
    not_as_asked: 'not done as asked',
  };
  return kinds[kind];
};
