import { writeFileSync } from 'node:fs';
import { createOpenApiDocument } from './src/openapi.ts';

// `pnpm --filter @trunkline/contracts openapi` writes openapi.json. A test fails if it is out of date.
writeFileSync(new URL('./openapi.json', import.meta.url), `${JSON.stringify(createOpenApiDocument(), null, 2)}\n`);
