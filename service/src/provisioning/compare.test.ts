import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import type { PartRecord } from './lease.ts';

const at = new Date(0);
const done: PartRecord = { state: 'done', resource_id: 'ST_1', sent: { agent_id: 'a', room_prefix: 'call' }, at };
const wanted = { agent_id: 'a', room_prefix: 'call' };
const other = { agent_id: 'b', room_prefix: 'call' };

describe('what is to be done about a part', () => {
  it('that is not recorded: it is made', () => {
    expect(compare({ wanted, recorded: undefined, seen: undefined })).toEqual({ act: 'make', was: null, surplus: [] });
  });

  it('that is recorded as it should be: nothing, where the record is trusted', () => {
    expect(compare({ wanted, recorded: done, seen: undefined })).toMatchObject({ act: 'leave', resource_id: 'ST_1' });
  });

  it('that was sent something else: what differs is changed', () => {
    expect(compare({ wanted: other, recorded: done, seen: undefined })).toMatchObject({
      act: 'change',
      differences: ['agent_id'],
    });
  });

  it('what the provider tells counts more than what it was sent', () => {
    const seen = [{ resource_id: 'ST_1', content: { agent_id: 'by hand' } }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ act: 'change', differences: ['agent_id'] });
    const late = [{ resource_id: 'ST_1', content: { agent_id: 'b' } }];
    expect(compare({ wanted: other, recorded: done, seen: late })).toMatchObject({ act: 'leave' });
  });

  it('what nobody knows any longer is sent again, but for what the provider tells', () => {
    const { sent: _, ...unknown } = done;
    const seen = [{ resource_id: 'ST_1', content: { agent_id: 'a' } }];
    expect(compare({ wanted, recorded: unknown, seen })).toMatchObject({ act: 'change', differences: ['room_prefix'] });
    // Of a part that cannot be looked at, nothing is told.
    expect(compare({ wanted, recorded: unknown, seen: undefined })).toMatchObject({ act: 'change' });
  });

  it('fields that are not ours are never compared', () => {
    const seen = [{ resource_id: 'ST_1', content: { ...wanted, attributes: 'by hand' } }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ act: 'leave' });
  });

  it('that was deleted at the provider: it is made again, knowing what it was', () => {
    expect(compare({ wanted, recorded: done, seen: [] })).toEqual({ act: 'make', was: 'ST_1', surplus: [] });
  });

  it('that a lost answer made: it is taken for ours', () => {
    const seen = [{ resource_id: 'ST_lost' }];
    expect(compare({ wanted, recorded: undefined, seen })).toMatchObject({ act: 'leave', resource_id: 'ST_lost' });
  });

  it('that is there twice: the recorded one stays', () => {
    const seen = [{ resource_id: 'ST_2' }, { resource_id: 'ST_1' }];
    expect(compare({ wanted, recorded: done, seen })).toMatchObject({ resource_id: 'ST_1', surplus: ['ST_2'] });
  });

  it('that should not be there: what is recorded and what is found goes, each once', () => {
    const seen = [{ resource_id: 'ST_2' }, { resource_id: 'ST_1' }];
    expect(compare({ wanted: null, recorded: done, seen }).surplus).toEqual(['ST_1', 'ST_2']);
    expect(compare({ wanted: null, recorded: done, seen: undefined }).surplus).toEqual(['ST_1']);
    const undone = { ...done, state: 'undone' } as const;
    expect(compare({ wanted: null, recorded: undone, seen: undefined }).surplus).toEqual([]);
  });

  it('whose making failed: it is made, and what an earlier attempt made is not trusted', () => {
    const failed = { ...done, state: 'failed' } as const;
    expect(compare({ wanted, recorded: failed, seen: undefined })).toMatchObject({ act: 'make' });
    expect(compare({ wanted: null, recorded: failed, seen: undefined }).surplus).toEqual([]);
  });
});
