import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import type { PartRecord } from './lease.ts';

const at = new Date(0);
const done: PartRecord = { state: 'done', resource_id: 'ST_1', sent: { agent_id: 'a', room_prefix: 'call' }, at };
const wanted = { agent_id: 'a', room_prefix: 'call' };
const other = { agent_id: 'b', room_prefix: 'call' };

describe('compare', () => {
  it('makes a part that is not recorded', () => {
    expect(compare({ wanted, recorded: undefined, seen: undefined })).toEqual({ act: 'make', was: null, surplus: [] });
  });

  it('leaves a part that is recorded as it should be, if the record is trusted', () => {
    expect(compare({ wanted, recorded: done, seen: undefined })).toMatchObject({ act: 'leave', resource_id: 'ST_1' });
  });

  it('changes the fields that were sent otherwise', () => {
    expect(compare({ wanted: other, recorded: done, seen: undefined })).toMatchObject({
      act: 'change',
      differences: ['agent_id'],
    });
  });

  it('trusts what the provider reports over what it was sent', () => {
    const seen = [{ resource_id: 'ST_1', content: { agent_id: 'by hand' } }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ act: 'change', differences: ['agent_id'] });
    const late = [{ resource_id: 'ST_1', content: { agent_id: 'b' } }];
    expect(compare({ wanted: other, recorded: done, seen: late })).toMatchObject({ act: 'leave' });
  });

  it('sends unknown content again, except for what the provider reports', () => {
    const { sent: _, ...unknown } = done;
    const seen = [{ resource_id: 'ST_1', content: { agent_id: 'a' } }];
    expect(compare({ wanted, recorded: unknown, seen })).toMatchObject({ act: 'change', differences: ['room_prefix'] });
    // Nothing is reported of a part that cannot be looked up.
    expect(compare({ wanted, recorded: unknown, seen: undefined })).toMatchObject({ act: 'change' });
  });

  it('never compares fields that Trunkline does not set', () => {
    const seen = [{ resource_id: 'ST_1', content: { ...wanted, attributes: 'by hand' } }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ act: 'leave' });
  });

  it('makes a part again that was deleted at the provider, and names its former id', () => {
    expect(compare({ wanted, recorded: done, seen: [] })).toEqual({ act: 'make', was: 'ST_1', surplus: [] });
  });

  it('adopts a part that was made by a call whose answer was lost', () => {
    const seen = [{ resource_id: 'ST_lost' }];
    expect(compare({ wanted, recorded: undefined, seen })).toMatchObject({ act: 'leave', resource_id: 'ST_lost' });
  });

  it('keeps the recorded one of two', () => {
    const seen = [{ resource_id: 'ST_2' }, { resource_id: 'ST_1' }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ resource_id: 'ST_1', surplus: ['ST_2'] });
  });

  it('removes an unwanted part, whether recorded or found, each once', () => {
    const seen = [{ resource_id: 'ST_2' }, { resource_id: 'ST_1' }];
    expect(compare({ wanted: null, recorded: done, seen }).surplus).toEqual(['ST_1', 'ST_2']);
    expect(compare({ wanted: null, recorded: done, seen: undefined }).surplus).toEqual(['ST_1']);
    const undone = { ...done, state: 'undone' } as const;
    expect(compare({ wanted: null, recorded: undone, seen: undefined }).surplus).toEqual([]);
  });

  it('makes a part that failed, without trusting what an earlier attempt made', () => {
    const failed = { ...done, state: 'failed' } as const;
    expect(compare({ wanted, recorded: failed, seen: undefined })).toMatchObject({ act: 'make' });
    expect(compare({ wanted: null, recorded: failed, seen: undefined }).surplus).toEqual([]);
  });
});
