import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import committed from '../openapi.json' with { type: 'json' };
import { createOpenApiDocument } from './openapi.ts';
import { commonProblems, problems } from './problem.ts';
import { operations } from './router.ts';

const document = createOpenApiDocument();

describe('openapi.json', () => {
  it('is what the operations say: run `pnpm --filter @trunkline/contracts openapi` after a change', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(result).toMatchObject({ valid: true });
  });

  it('has every operation with its route, its name, and a status for each of its problems', () => {
    for (const [name, { route, problems: own }] of operations) {
      const described = (document.paths as Record<string, Record<string, unknown>>)[route.path]?.[
        route.method.toLowerCase()
      ];
      expect(described, name).toMatchObject({ operationId: name });
      const { responses } = described as { responses: Record<string, { description: string }> };
      expect(responses, name).toHaveProperty(String(route.status ?? 200));
      for (const code of [...commonProblems, ...own]) {
        expect(responses[String(problems[code][0])]?.description, `${code} of ${name}`).toContain(`\`${code}\``);
      }
    }
  });
});
