import { defineConfig } from 'vitest/config';

/** What takes seconds each, as it plays each fault, many requests or whole programs: `pnpm test:thorough`. */
const thorough = [
  'service/src/vendors/hostile.test.ts',
  'service/test/{acceptance,faults,simulation}/*.test.ts',
  'service/test/{available-numbers,check,check-sip-host,command-line,connections,delete-integration}.test.ts',
  'service/test/{documents,endless-lists,engine,former-database,lease,lists,long-builds,not-as-asked,pause}.test.ts',
  'service/test/{readme,redaction,release,rotate-trunk-password,telephony,tenancy,undoing,update,upgrade}.test.ts',
  'infra/src/deploy.test.ts',
  'infra/src/data/connection.test.ts',
  'infra/test/tiers/program.test.ts',
];

/** `pnpm test` runs `unit` and `infra`; the slower tiers, with real processes and a real browser, run by their own names. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // What is awaited comes, but on a busy machine not within Vitest's second.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['contracts/{src,test}/**/*.test.ts', 'service/{src,test}/**/*.test.ts'],
          exclude: [
            'service/test/{chaos,browser,clients,conformance,twilio-openapi,generated-clients}/**',
            ...thorough,
          ],
          globalSetup: 'service/test/mongod.ts',
          // They share what is loaded: it takes longer to load than most of them take to run.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'thorough',
          include: thorough.filter((path) => path.startsWith('service/')),
          globalSetup: 'service/test/mongod.ts',
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'documentdb',
          // What a test of these does not write is written the same way everywhere else.
          include: [
            'service/test/{access,assign,claims,delete-integration,engine,former-database,idempotency,import,lease}.test.ts',
            'service/test/{move,pause,quotas,re-encrypt,release,revocation,tenancy,undoing,update*,upgrade}.test.ts',
          ],
          globalSetup: 'service/test/documentdb.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'infra',
          include: ['infra/src/**/*.test.ts', 'infra/test/tiers/*.test.ts'],
          exclude: thorough,
          globalSetup: 'infra/test/tiers/recorded.ts',
          // They share what is loaded, and change none of it: Pulumi's packages are large.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'infra-thorough',
          include: thorough.filter((path) => path.startsWith('infra/')),
          globalSetup: 'infra/test/tiers/recorded.ts',
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'infra-engine',
          include: ['infra/test/tiers/engine/*.test.ts'],
          globalSetup: 'infra/test/tiers/engine/find-engine.ts',
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'infra-provider',
          include: ['infra/test/tiers/provider/*.test.ts'],
          globalSetup: ['infra/test/tiers/provider/find-terraform.ts', 'infra/test/tiers/recorded.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['service/test/chaos/**/*.test.ts'],
          exclude: ['service/test/chaos/image.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
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
        extends: true,
        test: {
          name: 'pairs',
          include: ['service/test/faults/*.pairs.ts'],
          globalSetup: 'service/test/mongod.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['service/test/conformance/**/*.test.ts'],
          globalSetup: 'service/test/conformance/setup.ts',
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'twilio-openapi',
          include: ['service/test/twilio-openapi/*.test.ts'],
          globalSetup: ['service/test/mongod.ts', 'service/test/twilio-openapi/find-documents.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'generated-clients',
          include: ['service/test/generated-clients/*.test.ts'],
          globalSetup: 'service/test/mongod.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['service/test/browser/**/*.test.ts'],
          globalSetup: 'service/test/mongod.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'clients',
          include: ['service/test/clients/*.test.ts'],
          globalSetup: ['service/test/mongod.ts', 'service/test/clients/pack.ts'],
        },
      },
    ],
  },
});
