import { z } from 'zod';

/** The shape of a row: the source of its type, validation and defaults. */
export type Shape = z.ZodObject | z.ZodDiscriminatedUnion<z.ZodObject[]>;

/** A secret that `Secrets` sealed. `secrets re-encrypt` finds the fields of this schema. */
export const Sealed = z.string();

/** A field that older rows may lack: it reads as null. */
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** The same fields, each optional. */
export const eachOptional = <S extends Record<string, z.ZodType>>(fields: S) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.exactOptional()])) as {
    [K in keyof S]: z.ZodExactOptional<S[K]>;
  };

/** Every schema that the field at a path may have, as in `provisioning.parts.inbound_trunk`; none if there is none. */
export const schemasAt = (schema: z.core.$ZodType, path: string): z.core.$ZodType[] =>
  path.split('.').reduce<z.core.$ZodType[]>((found, key) => found.flatMap((one) => schemasOf(one, key)), [schema]);

const schemasOf = (schema: z.core.$ZodType, key: string): z.core.$ZodType[] =>
  bare(schema).flatMap((one) => {
    if (one instanceof z.ZodObject) return one.shape[key] ?? [];
    if (one instanceof z.ZodRecord) return z.safeParse(one.keyType, key).success ? [one.valueType] : [];
    return [];
  });

/** Unwraps optional, nullable and default schemas, and lists the options of a union. */
export const bare = (schema: z.core.$ZodType): z.core.$ZodType[] => {
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault;
  if (isWrapped) return bare(schema.unwrap());
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(bare);
  return [schema];
};

/** What is wrong with a value before it is stored, and where. Refuses unknown fields, which reading ignores. */
export const faultOf = (schema: z.core.$ZodType, value: unknown): string | undefined => {
  const parsed = z.safeParse(schema, value);
  if (parsed.error) return describeIssues(parsed.error);
  const unknown = unknownField(value, parsed.data, []);
  return unknown && `${unknown.join('.')} is not in its shape`;
};

/** The same for a value that may fit any of several schemas. */
export const faultAmong = (schemas: readonly z.core.$ZodType[], value: unknown): string | undefined => {
  const faults = schemas.map((schema) => faultOf(schema, value));
  return faults.includes(undefined) ? undefined : [...new Set(faults)].join(', or ');
};

/** Names the wrong fields, but never their values, which may be secrets. */
export const describeIssues = ({ issues }: z.core.$ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ');

const unknownField = (given: unknown, parsed: unknown, path: string[]): string[] | undefined => {
  if (!isPlain(given) || !isPlain(parsed)) return undefined;
  for (const [name, value] of Object.entries(given)) {
    if (!(name in parsed)) return [...path, name];
    const deeper = unknownField(value, parsed[name], [...path, name]);
    if (deeper) return deeper;
  }
  return undefined;
};

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
