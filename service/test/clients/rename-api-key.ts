/** A file that the recipe changes: a new one, or one with lines added before, or replacing, the line that begins so. */
interface Edit {
  file: string;
  whole?: string;
  inserts?: readonly ({ lines: string } & ({ before: string } | { inPlaceOf: string }))[];
}

/** CONTRIBUTING's first recipe as edits: an operation that renames an API key. */
export const renameApiKey: readonly Edit[] = [
  {
    file: 'contracts/src/api-key.ts',
    inserts: [
      {
        before: 'export const ListApiKeys',
        lines: `export const RenameApiKey = z.strictObject({
  key_id: KeyId,
  name: text(100).meta({ description: 'Its new name.' }),
});
export type RenameApiKey = z.input<typeof RenameApiKey>;
`,
      },
    ],
  },
  {
    file: 'contracts/src/api.ts',
    inserts: [
      {
        inPlaceOf: "import { ApiKey, CreateApiKey, CreatedApiKey, ListApiKeys, RevokeApiKey } from './api-key.ts';",
        lines:
          "import { ApiKey, CreateApiKey, CreatedApiKey, ListApiKeys, RenameApiKey, RevokeApiKey } from './api-key.ts';",
      },
      {
        before: '    revoke: mutation({',
        lines: `    rename: mutation({
      summary: 'Rename an API key',
      description: 'The key itself and what it may do stay as they are.',
      route: { method: 'PATCH', path: '/api-keys/{key_id}' },
      permission: 'api_keys:create',
      problems: ['api_key_not_found'],
      input: RenameApiKey,
      examples: { 'Another name': { key_id: apiKey.key_id, name: 'Front desk' } },
      output: apiKeyActed,
      answers: { 'A renamed key': { success: true, message: 'API key renamed', data: apiKey } },
    }),`,
      },
    ],
  },
  {
    file: 'service/src/events/store.ts',
    inserts: [{ before: "    'api_key.revoked'", lines: "    'api_key.renamed'," }],
  },
  {
    file: 'service/src/organizations/store.ts',
    inserts: [
      {
        before: '    touchKey:',
        lines: `    renameKey: async (key_id: KeyId, name: string, session: ClientSession): Promise<void> => {
      await keys.updateOne({ key_id }, { $set: { name } }, { session });
    },`,
      },
    ],
  },
  {
    file: 'service/src/organizations/rename-api-key.ts',
    whole: `import { type Caller, Problem, type RenameApiKey } from '@trunkline/contracts';
import type { Transaction } from '../database/connect.ts';
import type { EventStore } from '../events/store.ts';
import type { OrganizationStore } from './store.ts';

export interface RenameApiKeyDependencies {
  store: OrganizationStore;
  events: EventStore;
  inTransaction: Transaction;
}

/** Gives a key of the caller's organization another name. */
export const createRenameApiKey =
  ({ store, events, inTransaction }: RenameApiKeyDependencies) =>
  ({ organization_id, key_id: actor, request_id }: Caller, { key_id, name }: RenameApiKey) =>
    inTransaction(async (session) => {
      const key = await store.getKey(organization_id, key_id, session);
      if (key === null) throw new Problem('api_key_not_found', \`Your organization has no API key \${key_id}.\`);
      await store.renameKey(key_id, name, session);
      const told = { actor: { key_id: actor }, request_id, changes: { name } };
      await events.write({ organization_id, subject_id: key_id, type: 'api_key.renamed', ...told }, session);
      return { ...key, name };
    });
`,
  },
  {
    file: 'service/src/organizations/index.ts',
    inserts: [
      {
        before: "import { createOrganizationStore } from './store.ts'",
        lines: "import { createRenameApiKey } from './rename-api-key.ts';",
      },
      { before: '  const apiKeys: Handlers', lines: '  const renameApiKey = createRenameApiKey({ store, ...deps });' },
      {
        before: '    revoke: async (caller, input) => {',
        lines: `    rename: async (caller, input) => {
      const key = await renameApiKey(caller, input);
      return { success: true, message: 'API key renamed', data: describeApiKey(key, clock.now()) };
    },`,
      },
    ],
  },
  {
    file: 'service/test/rename-api-key.test.ts',
    whole: `import { expect, it } from 'vitest';
import { openService } from './open-service.ts';

it('gives an API key another name over REST, and keeps who did it', async () => {
  await using service = await openService();
  const { admin } = service;
  const { body: me } = await admin.rest('GET', '/api/me');
  const { key_id } = me.data;
  const { status, body } = await admin.rest('PATCH', \`/api/api-keys/\${key_id}\`, { name: 'Till at the door' });
  expect({ status, name: body.data.name }).toEqual({ status: 200, name: 'Till at the door' });
  const { data } = await admin.client.apiKeys.list.query();
  expect(data.map(({ name }) => name)).toEqual(['Till at the door']);
  const event = await service.connection.collection('events').findOne({ type: 'api_key.renamed' });
  expect(event).toMatchObject({ subject_id: key_id, actor: { key_id }, changes: { name: 'Till at the door' } });
});
`,
  },
];
