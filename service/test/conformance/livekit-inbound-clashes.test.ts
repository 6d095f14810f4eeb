import { expect, it } from 'vitest';
import { invalid, onBothSides } from './both-sides.ts';

const CREATE = 'CreateSIPInboundTrunk';
const LIST = 'ListSIPInboundTrunk';

onBothSides('finds clashes of inbound trunks', (side) => {
  const number = '+15550000001';
  const clash = (a: string, b: string, numbers: string, why: string) =>
    invalid(`Conflicting inbound SIP Trunks: "${a}" and "${b}", using the same number(s) ${numbers} ${why}`);

  it.each(['+15550000001', '15550000001', '1 (555) 000-0001'])('however the number is written: %s', async (written) => {
    const { sip_trunk_id } = await side().make(CREATE, { trunk: { numbers: [number] } });
    expect(await side().post(CREATE, { trunk: { numbers: [written] } })).toEqual(
      clash('<new>', sip_trunk_id, `["${written}"]`, 'without AllowedNumbers set'),
    );
  });

  it('by the text if it is not a number', async () => {
    const { sip_trunk_id } = await side().make(CREATE, { trunk: { numbers: ['abc'] } });
    await side().make(CREATE, { trunk: { numbers: ['+abc'] } });
    await side().make(CREATE, { trunk: { numbers: ['*'] } });
    expect(await side().post(CREATE, { trunk: { numbers: ['abc'] } })).toEqual(
      clash('<new>', sip_trunk_id, '["abc"]', 'without AllowedNumbers set'),
    );
  });

  it('whatever their addresses and credentials', async () => {
    const { sip_trunk_id } = await side().make(CREATE, { trunk: { numbers: [number], allowedAddresses: ['1.2.3.4'] } });
    const trunk = { numbers: ['+15550000009', number], authUsername: 'u', authPassword: 'p' };
    expect(await side().post(CREATE, { trunk })).toEqual(
      clash('<new>', sip_trunk_id, '["+15550000009" "+15550000001"]', 'without AllowedNumbers set'),
    );
  });

  it('between trunks for all numbers', async () => {
    const anyNumber = { authUsername: 'u', authPassword: 'p' };
    const { sip_trunk_id } = await side().make(CREATE, { trunk: anyNumber });
    expect(await side().post(CREATE, { trunk: anyNumber })).toEqual(
      clash('<new>', sip_trunk_id, '<any>', 'without AllowedNumbers set'),
    );
    await side().make(CREATE, { trunk: { numbers: [number] } });
  });

  it('between trunks with a common allowed caller, and not between others', async () => {
    const { sip_trunk_id } = await side().make(CREATE, {
      trunk: { numbers: [number], allowedNumbers: ['+1 555 777'] },
    });
    const trunk = { numbers: [number], allowedNumbers: ['1555777'] };
    expect(await side().post(CREATE, { trunk })).toEqual(
      clash('<new>', sip_trunk_id, '["+15550000001"]', 'and AllowedNumber "1555777"'),
    );
    await side().make(CREATE, { trunk: { ...trunk, allowedNumbers: ['+1555888'] } });
    await side().make(CREATE, { trunk: { numbers: [number] } });
  });

  it('naming the new one second if another comes before it: it compares the first, the new one, and the rest', async () => {
    for (const allowed of ['+1555777', '+1555888'])
      await side().make(CREATE, { trunk: { numbers: [number], allowedNumbers: [allowed] } });
    const { items } = await side().make(LIST, {});
    const [, second] = items;
    expect(await side().post(CREATE, { trunk: { numbers: [number], allowedNumbers: second.allowed_numbers } })).toEqual(
      clash(second.sip_trunk_id, '<new>', '["+15550000001"]', `and AllowedNumber "${second.allowed_numbers[0]}"`),
    );
  });

  it('not between concurrent creates, several of which may succeed: it compares first, then stores', async () => {
    const trunk = { numbers: [number] };
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => side().post(CREATE, { trunk })));
      const { items } = await side().make(LIST, {});
      expect(items).toHaveLength(answers.filter(({ status }) => status === 200).length);
      if (items.length > 1) return;
      await side().make('DeleteSIPTrunk', { sipTrunkId: items[0].sip_trunk_id });
    }
    expect.unreachable('one after another only: the server has learned to lock');
  });

  it('not within one trunk', async () => {
    await side().make(CREATE, { trunk: { numbers: [number, '15550000001'] } });
  });
});
