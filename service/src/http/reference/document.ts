import openapi from '@trunkline/contracts/openapi.json' with { type: 'json' };

// The parts of the OpenAPI document that the reference uses.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: readonly unknown[];
  default?: unknown;
  description?: string;
  example?: unknown;
  format?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
}

interface Example {
  summary: string;
  value: unknown;
}

export interface Content {
  schema: Schema;
  examples?: Record<string, Example>;
}

export interface Parameter {
  in: string;
  name: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

export interface Response {
  description: string;
  content: Record<string, Content>;
}

export interface Operation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description: string;
  parameters?: readonly (Parameter | Reference)[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, Response | Reference>;
}

export interface Reference {
  $ref: string;
}

export interface Document {
  info: { title: string; version: string; summary: string; description: string; contact?: object };
  servers: readonly { url: string }[];
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Response>;
  };
}

export const document: Document = openapi;

/** The last part of a `$ref`: the name of what it refers to. */
export const nameIn = (found: object): string | undefined =>
  '$ref' in found ? String(found.$ref).split('/').at(-1) : undefined;

export const responseOf = (found: Response | Reference): Response => lookUp(document.components.responses, found);

export const parameterOf = (found: Parameter | Reference): Parameter => lookUp(document.components.parameters, found);

const lookUp = <T extends object>(components: Record<string, T>, found: T | Reference): T => {
  if (!('$ref' in found)) return found;
  const component = components[String(nameIn(found))];
  if (component === undefined) throw new Error(`The document has no ${found.$ref}`);
  return component;
};

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

/** Every operation with its route. */
export const routes: readonly Route[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path: `${document.servers[0]?.url}${path}`,
    operation,
  })),
);
