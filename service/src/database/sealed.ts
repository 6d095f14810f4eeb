import { z } from 'zod';
import type { CollectionDefinition } from './collection.ts';
import { bare, Sealed } from './shape.ts';

/** A field that holds a secret, and the place that the secret is sealed for. */
export interface SealedField {
  collection: string;
  /** As in `carrier.password`. */
  path: string;
  placeOf(row: Readonly<Record<string, unknown>>): `${string}/${string}/${string}`;
}

/** Every field of these collections whose shape is `Sealed`. */
export const sealedFieldsOf = (collections: readonly CollectionDefinition[]): SealedField[] =>
  collections.flatMap(({ name, id, shape }) =>
    [...new Set(pathsIn(shape, []))].map((path) => ({
      collection: name,
      path,
      placeOf: (row) => `${name}/${String(row[id])}/${placeIn(path)}` as const,
    })),
  );

/** Wanted values of a change, and the next credentials of a trunk, are sealed for the place that they will move to. */
const placeIn = (path: string) =>
  path
    .replace(/^provisioning\.change\.wanted\./, '')
    .replace(/^rotation\./, 'carrier.')
    .replaceAll('.', '_');

const pathsIn = (schema: z.core.$ZodType, path: readonly string[]): string[] =>
  bare(schema).flatMap((one) => {
    if (one === Sealed) return [path.join('.')];
    if (!(one instanceof z.ZodObject)) return [];
    return Object.entries(one.shape).flatMap(([key, inner]) => pathsIn(inner, [...path, key]));
  });
