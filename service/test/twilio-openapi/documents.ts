import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { names } from './find-documents.ts';

export interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

interface Parameter {
  name: string;
  in: 'path' | 'query';
}

interface Content {
  schema: Schema;
  examples?: Record<string, { value: unknown }>;
}

interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { content?: Record<string, Content> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** A call that the documents describe. */
export interface Call {
  operation: Operation;
  /** Matches the whole path and captures its parameters in order. */
  path: RegExp;
  /** What is wrong with a value, by the schema at this place in the operation. */
  faultsOf(place: string[], value: unknown, options?: { isText: boolean }): Fault[];
  resolve(schema: Schema): Schema;
}

interface Fault {
  /** A JSON pointer. */
  at: string;
  value: unknown;
  fault: string;
}

export const FORM = 'application/x-www-form-urlencoded';
export const JSON_TYPE = 'application/json';

/** Reads Twilio's OpenAPI documents. `find` returns undefined for a call that they do not have. */
export const openDocuments = (folder: string) => {
  const strict = createAjv({});
  // A value sent as text may stand for a number or a boolean.
  const ofText = createAjv({ coerceTypes: true });
  const calls = names.flatMap((name) => {
    const document: Document = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'), withNull);
    for (const ajv of [strict, ofText]) ajv.addSchema(document, name);
    return Object.entries(document.paths).flatMap(([template, item]) =>
      methods.flatMap((method) => {
        const operation = item[method];
        if (operation === undefined) return [];
        const path = new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+?)')}$`);
        const call: Call = {
          operation,
          path,
          faultsOf: (place, value, { isText } = { isText: false }) => {
            const $ref = `${name}#${pointerOf(['paths', template, method, ...place])}`;
            const ajv = isText ? ofText : strict;
            const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
            if (validate(structuredClone(value))) return [];
            return (validate.errors ?? []).map(({ instancePath, message = '' }) => ({
              at: instancePath,
              value: valueAt(value, instancePath),
              fault: message,
            }));
          },
          resolve: (schema) =>
            (schema.$ref && document.components.schemas[schema.$ref.replace('#/components/schemas/', '')]) || schema,
        };
        return [{ method, call }];
      }),
    );
  });
  return {
    calls: calls.map(({ call }) => call),
    find: (method: string, pathname: string): Call | undefined =>
      calls.find((it) => it.method === method.toLowerCase() && it.call.path.test(pathname))?.call,
  };
};

const methods = ['get', 'post', 'delete'] as const;

const pointerOf = (parts: string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

const valueAt = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce((inside: unknown, name) => Reflect.get(Object(inside), name), value);

/** Turns OpenAPI 3.0's `nullable` into JSON Schema: an `enum` gets null too; without a `type` it means nothing. */
const withNull = (_name: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('nullable' in value)) return value;
  const { nullable, ...schema } = value;
  if (!('type' in schema)) return schema;
  return 'enum' in schema && Array.isArray(schema.enum) ? { ...value, enum: [...schema.enum, null] } : value;
};

const createAjv = (options: { coerceTypes?: true }): Ajv => {
  const ajv = new Ajv({ ...options, strict: false, allErrors: true, validateSchema: false });
  addFormats.default(ajv);
  // Links in the 2010 API are relative to the host.
  ajv.addFormat('uri', /^(\/|[a-z][a-z0-9+.-]*:)\S+$/i);
  ajv.addFormat('date-time-rfc-2822', RFC_2822);
  ajv.addFormat('phone-number', /^\+?[0-9*]+$/);
  for (const name of ['http-method', 'uri-map', 'phone-number-capabilities', 'int64']) ajv.addFormat(name, true);
  return ajv;
};

const RFC_2822 =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/;
