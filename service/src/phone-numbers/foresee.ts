import type { AvailableNumber, FormerRouting, OrganizationId } from '@trunkline/contracts';
import type { Quotas } from '../database/quota.ts';
import { isRoutedElsewhere } from './carrier-side.ts';
import type { Switchboard } from './providers.ts';
import { isBeingReleased } from './record.ts';
import type { PhoneNumberStore } from './store.ts';
import { isInTheWay } from './switchboard-side.ts';

type Foreseen = Pick<AvailableNumber, 'phone_number_id' | 'import_problem'>;

export interface ForeseeDependencies {
  store: PhoneNumberStore;
  switchboard: Switchboard;
  installation_id: string;
  quotas: Pick<Quotas, 'phone_numbers'>;
}

/** Why an inbound import of each of these Twilio numbers would be refused, checked in the order of an import. */
export const createForeseeImports =
  ({ store, switchboard, installation_id, quotas }: ForeseeDependencies) =>
  async (
    organization_id: OrganizationId,
    numbers: readonly {
      phone_number: string;
      routing: Pick<FormerRouting, 'trunk_sid' | 'voice_application_sid'>;
    }[],
    own_trunk_sid: string | undefined,
  ): Promise<Foreseen[]> => {
    const [holders, count] = await Promise.all([
      store.getByNumbers(numbers.map(({ phone_number }) => phone_number)),
      store.count(organization_id, quotas.phone_numbers),
    ]);
    const holderOf = new Map(holders.map((holder) => [holder.phone_number, holder]));
    const foreseen = numbers.map(({ phone_number, routing }): Foreseen => {
      const holder = holderOf.get(phone_number);
      const isOwn = holder?.organization_id === organization_id;
      const phone_number_id = holder && isOwn ? holder.phone_number_id : null;
      const told = (import_problem: Foreseen['import_problem']) => ({ phone_number_id, import_problem });
      if (count >= quotas.phone_numbers && !isOwn) return told('quota_reached');
      if (holder) return told(isBeingReleased(holder) ? 'phone_number_busy' : 'phone_number_taken');
      return told(isRoutedElsewhere(routing, own_trunk_sid) ? 'number_routed_elsewhere' : null);
    });

    const open = numbers.filter((_number, n) => foreseen[n]?.import_problem === null);
    if (open.length === 0) return foreseen;
    const trunks = await switchboard.listInboundTrunks(open.map(({ phone_number }) => phone_number));
    const isAnswered = async (phone_number: string): Promise<boolean> => {
      for (const trunk of trunks.get(phone_number) ?? []) {
        if (await isInTheWay(trunk, { installation_id, wasLetGo: store.wasLetGo })) return true;
      }
      return false;
    };
    return Promise.all(
      foreseen.map(async (one, n) => {
        const { phone_number = '' } = numbers[n] ?? {};
        const isClear = one.import_problem !== null || !(await isAnswered(phone_number));
        return isClear ? one : { ...one, import_problem: 'number_answered_elsewhere' };
      }),
    );
  };
