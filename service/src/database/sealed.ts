import { z } from 'zod';
import type { CollectionDefinition } from './collection.ts';
import { bare, Sealed } from './shape.ts';

/** A field that holds a secret, and where that secret belongs. */
export interface SealedField {
  collection: string;
  /** As in `carrier.password`. */
  path: string;
  placeOf(row: Readonly<Record<string, unknown>>): `${string}/${string}/${string}`;
}

/** Every sealed field of these collections: those whose shape says so. */
export const sealedFieldsOf = (collections: readonly CollectionDefinition[]): SealedField[] =>
  collections.flatMap(({ name, id, shape, sealed_as }) =>
    [...new Set(pathsIn(shape, []))].flatMap((path) => {
      const within = sealed_as ? path.slice(`${sealed_as.within}.`.length) : path;
      if (sealed_as && !sealed_as.only.includes(within)) return [];
      const placeOf = (row: Readonly<Record<string, unknown>>) =>
        `${sealed_as?.collection ?? name}/${String(row[id])}/${within.replaceAll('.', '_')}` as const;
      return [{ collection: name, path, placeOf }];
    }),
  );

const pathsIn = (schema: z.core.$ZodType, path: readonly string[]): string[] =>
  bare(schema).flatMap((one) => {
    if (one === Sealed) return [path.join('.')];
    if (!(one instanceof z.ZodObject)) return [];
    return Object.entries(one.shape).flatMap(([key, inner]) => pathsIn(inner, [...path, key]));
  });
