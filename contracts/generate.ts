import { writeFileSync } from 'node:fs';
import { createOpenApiDocument } from './src/openapi.ts';

// `pnpm --filter @trunkline/contracts openapi` writes openapi.json anew; a test holds the two together.
writeFileSync(new URL('./openapi.json', import.meta.url), `${JSON.stringify(createOpenApiDocument(), null, 2)}\n`);
