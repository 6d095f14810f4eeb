import { defineConfig } from 'vitest/config';

/** `pnpm test` runs `unit`; the slower tiers, with real processes and a real browser, run by their own names. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['contracts/{src,test}/**/*.test.ts', 'service/{src,test}/**/*.test.ts'],
          exclude: ['service/test/{chaos,browser,clients,conformance,twilio-openapi,generated-clients}/**'],
          globalSetup: 'service/test/mongod.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'documentdb',
          // What a test of these does not write is written the same way everywhere else.
          include: [
            'service/test/{access,assign,claims,delete-integration,engine,former-database,idempotency,import,lease}.test.ts',
            'service/test/{move,pause,quotas,re-encrypt,release,revocation,tenancy,undoing,update*,upgrade}.test.ts',
          ],
          globalSetup: 'service/test/documentdb.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'infra',
          include: ['infra/src/**/*.test.ts', 'infra/test/tiers/*.test.ts'],
          globalSetup: 'infra/test/tiers/recorded.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They share what is loaded, and change none of it: Pulumi's packages are large.
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'infra-engine',
          include: ['infra/test/tiers/engine/*.test.ts'],
          globalSetup: 'infra/test/tiers/engine/find-engine.ts',
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'infra-provider',
          include: ['infra/test/tiers/provider/*.test.ts'],
          globalSetup: ['infra/test/tiers/provider/find-terraform.ts', 'infra/test/tiers/recorded.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['service/test/chaos/**/*.test.ts'],
          exclude: ['service/test/chaos/image.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'image',
          include: ['service/test/chaos/image.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // It installs in the folder that the other tests of real processes start from: it has its turn after them.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'pairs',
          include: ['service/test/faults/*.pairs.ts'],
          globalSetup: 'service/test/mongod.ts',
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['service/test/conformance/**/*.test.ts'],
          globalSetup: 'service/test/conformance/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'twilio-openapi',
          include: ['service/test/twilio-openapi/*.test.ts'],
          globalSetup: ['service/test/mongod.ts', 'service/test/twilio-openapi/find-documents.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'generated-clients',
          include: ['service/test/generated-clients/*.test.ts'],
          globalSetup: 'service/test/mongod.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['service/test/browser/**/*.test.ts'],
          globalSetup: 'service/test/mongod.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['service/test/clients/*.test.ts'],
          globalSetup: ['service/test/mongod.ts', 'service/test/clients/pack.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
