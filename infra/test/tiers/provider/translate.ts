import type { Resource } from '../registration.ts';
import { revealed, type Values } from '../values.ts';
import type { BlockSchema, Workspace } from './terraform.ts';
import { TERRAFORM_TYPES } from './types.ts';

export interface Translated {
  /** Terraform's configuration, in its JSON syntax. */
  configuration: { provider: Values; resource: Record<string, Values> };
  /** Properties that the older provider lacks, such as `aws_docdb_cluster.serverless_v2_scaling_configuration`. */
  unknown: string[];
}

/** Translates recorded resources to Terraform. Pulumi turns Terraform's names into camel case and plural. */
export const translate = (resources: Resource[], schemas: Workspace['schemas']): Translated => {
  const unknown = new Set<string>();
  const resource: Record<string, Values> = {};
  for (const { type, name, inputs } of resources.filter((one) => one.custom && one.type.startsWith('aws:'))) {
    const terraformType = TERRAFORM_TYPES[type];
    const schema = schemas[terraformType ?? ''];
    if (!terraformType || !schema) throw new Error(`no Terraform type for ${type}: add it to types.ts`);
    const block = translateBlock(revealed(inputs), schema.block, terraformType, unknown);
    // Where Terraform requires a name, Pulumi generates one from the resource's name.
    for (const key of ['name', 'alarm_name']) if (schema.block.attributes?.[key]?.required) block[key] ??= name;
    resource[terraformType] = { ...resource[terraformType], [name.replaceAll(/[^A-Za-z0-9_-]/g, '-')]: block };
  }
  return { configuration: { provider: { aws: providerOf(resources) }, resource }, unknown: [...unknown].toSorted() };
};

const translateBlock = (values: Values, schema: BlockSchema, at: string, unknown: Set<string>): Values => {
  const block: Values = {};
  for (const [key, value] of Object.entries(values)) {
    const found = wordsFor(key).find((word) => schema.attributes?.[word] ?? schema.block_types?.[word]);
    if (found === undefined) {
      unknown.add(`${at}.${snake(key)}`);
      continue;
    }
    const nested = schema.block_types?.[found]?.block;
    block[found] = nested
      ? [value].flat().map((one) => translateBlock(one as Values, nested, `${at}.${found}`, unknown))
      : translateAttribute(value, schema.attributes?.[found]?.type);
  }
  return block;
};

/** Keys of objects are translated too. Keys of maps, such as tags, are not. */
const translateAttribute = (value: unknown, type: unknown): unknown => {
  if (!Array.isArray(type)) return value;
  const [kind, of] = type;
  if (kind === 'list' || kind === 'set') return [value].flat().map((item) => translateAttribute(item, of));
  if (kind !== 'object') return value;
  const names = Object.keys(of);
  const given = Object.entries(value as Values).map(([key, item]) => {
    const name = wordsFor(key).find((word) => names.includes(word)) ?? snake(key);
    return [name, translateAttribute(item, of[name])];
  });
  return { ...Object.fromEntries(names.map((name) => [name, null])), ...Object.fromEntries(given) };
};

/** The only property that Pulumi renames. */
const RENAMED: Record<string, string> = { topic: 'topic_arn' };

const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const wordsFor = (key: string): string[] => {
  const word = snake(key);
  return [word, RENAMED[word] ?? word, word.replace(/ies$/, 'y'), word.replace(/s$/, ''), word.replace(/es$/, '')];
};

const providerOf = (resources: Resource[]): Values => {
  const inputs = resources.find(({ type }) => type === 'pulumi:providers:aws')?.inputs ?? {};
  return {
    region: inputs.region,
    allowed_account_ids: JSON.parse(String(inputs.allowedAccountIds)),
    default_tags: [JSON.parse(String(inputs.defaultTags))],
  };
};
