import { fieldsOf, type Operation } from '@trunkline/contracts';
import { drawNumber } from './open-service.ts';

/** Ids of resources that belong to one organization. */
export interface Belongings {
  phone_number_id: string;
  integration_id: string;
  key_id: string;
}

/** Inputs of operations that need more than their required fields. */
const whole: Record<string, (own: Belongings) => object> = {
  'phoneNumbers.import': ({ integration_id }) => ({
    phone_number: drawNumber(),
    provider: 'twilio',
    supports_inbound: true,
    integration_id,
  }),
  'integrations.update': ({ integration_id }) => ({ integration_id, name: 'A name' }),
  'phoneNumbers.update': ({ phone_number_id }) => ({ phone_number_id, label: 'A name' }),
};

const values: Record<string, unknown> = {
  agent_id: 'reception',
  name: 'A name',
  role: 'user',
  credentials: { provider: 'twilio', account_sid: `AC${'0'.repeat(32)}`, auth_token: 'token' },
};

/** A valid input for any operation, with these ids. An operation that needs a new field is added here. */
export const sampleInput = (name: string, { input }: Operation, own: Belongings): Record<string, unknown> => {
  const given = whole[name];
  if (given) return { ...given(own) };
  const required = Object.entries(fieldsOf(input)).filter(([, schema]) => !schema.safeParse(undefined).success);
  return Object.fromEntries(
    required.map(([field]) => {
      const value: unknown = Reflect.get(own, field) ?? values[field];
      if (value === undefined) throw new Error(`test/sample-input.ts needs a value for the field ${field} of ${name}`);
      return [field, value];
    }),
  );
};
