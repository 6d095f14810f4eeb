import type { Resource } from '../registration.ts';
import type { Values } from '../values.ts';
import type { Translated } from './translate.ts';
import { TERRAFORM_TYPES } from './types.ts';

type Configuration = Translated['configuration'];

/** The answers of the stand-in turned back into references, by which rules tell what belongs together. */
export const withReferences = ({ provider, resource }: Configuration, resources: Resource[]): Configuration => {
  const addresses = addressesOf(resources);
  const replaced = (value: unknown, own: string): unknown => {
    if (typeof value === 'string') {
      const found = addresses.get(value);
      return found === undefined || found.startsWith(`${own}.`) ? value : `\${${found}}`;
    }
    if (Array.isArray(value)) return value.map((item) => replaced(item, own));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, own)]));
  };
  const ofType = ([type, named]: [string, Values]): [string, Values] => [
    type,
    Object.fromEntries(Object.entries(named).map(([name, values]) => [name, replaced(values, `${type}.${name}`)])),
  ];
  return { provider, resource: Object.fromEntries(Object.entries(resource).map(ofType)) };
};

const addressesOf = (resources: Resource[]): Map<unknown, string> => {
  const addresses = new Map<unknown, string>();
  for (const { type, name, id, outputs } of resources) {
    const terraformType = TERRAFORM_TYPES[type];
    if (terraformType === undefined) continue;
    const at = `${terraformType}.${name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
    // Some ids are what they belong to: the first that has one is meant.
    if (id !== '' && !addresses.has(id)) addresses.set(id, `${at}.id`);
    if (typeof outputs.arn === 'string' && !addresses.has(outputs.arn)) addresses.set(outputs.arn, `${at}.arn`);
  }
  return addresses;
};
