import { describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import type { Resource } from './registration.ts';
import { redacted, type Values } from './values.ts';

/**
 * Golden files of what each example stack requests from AWS, so that a review shows what a change does.
 * `pnpm vitest run --project infra golden --update` rewrites them.
 */
describe.each(Object.entries(inject('recorded')).filter(([name]) => !['widest', 'existing'].includes(name)))(
  'the stack %s',
  (name, { update }) => {
    it('requests what its golden file says', async () => {
      const resources = update.resources.toSorted((one, other) => (one.urn < other.urn ? -1 : 1)).map(described);
      const written = stringify(
        { resources: Object.assign({}, ...resources), outputs: redacted(update.outputs) },
        { lineWidth: 0, sortMapEntries: true },
      );
      await expect(written).toMatchFileSnapshot(`golden/${name}.yaml`);
    });
  },
);

const described = ({ urn, inputs, ...resource }: Resource): Values => ({
  [shortOf(urn)]: {
    ...(Object.keys(inputs).length > 0 && { inputs: opened(redacted(inputs)) }),
    ...(resource.protect && { protect: true }),
    ...(resource.retainOnDelete && { retainOnDelete: true }),
    ...(resource.deleteBeforeReplace && { deleteBeforeReplace: true }),
    ...(resource.ignoreChanges.length > 0 && { ignoreChanges: resource.ignoreChanges }),
    ...(resource.replaceOnChanges.length > 0 && { replaceOnChanges: resource.replaceOnChanges }),
    ...(resource.dependsOn.length > 0 && { dependsOn: resource.dependsOn.map(shortOf) }),
  },
});

/** Without the prefix that all URNs share. */
const shortOf = (urn: string): string => urn.split('::').slice(2).join('::');

/** Parses JSON within strings. */
const opened = (value: unknown): unknown => {
  if (typeof value === 'string') return /^[[{]/.test(value) ? parsed(value) : value;
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, opened(item)]));
};

const parsed = (text: string): unknown => {
  try {
    return opened(JSON.parse(text));
  } catch {
    return text;
  }
};
