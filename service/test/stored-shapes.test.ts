import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { collections } from '../src/compose/collections.ts';
import { type CollectionDefinition, openCollection, UnreadableRow } from '../src/database/collection.ts';
import { type Connection, connect } from '../src/database/connect.ts';
import { bare, type Shape } from '../src/database/shape.ts';
import { integrationsCollection } from '../src/integrations/store.ts';
import { phoneNumbersCollection } from '../src/phone-numbers/store.ts';
import { readDump, upgradeRows } from './fixtures/load.ts';
import { type OpenedService, openService, uniqueDatabase } from './open-service.ts';

type Row = Record<string, any>;

/** The path of every field, at any depth, that the shape allows this row to lack. */
const optionalFields = (schema: z.core.$ZodType, row: Row, path: string[] = []): string[][] => {
  const ofRow = bare(schema).filter((one) => z.safeParse(one, row).success);
  return ofRow.flatMap((one) => {
    const fields = one instanceof z.ZodObject ? one.shape : {};
    const entries =
      one instanceof z.ZodRecord
        ? Object.keys(row).map((key) => [key, one.valueType] as const)
        : Object.entries(fields);
    return entries.flatMap(([name, field]) => {
      const here = [...path, name];
      const deeper = isPlain(row[name]) ? optionalFields(field as z.core.$ZodType, row[name], here) : [];
      const isOptional = one instanceof z.ZodObject && z.safeParse(field as z.core.$ZodType, undefined).success;
      return isOptional ? [here, ...deeper] : deeper;
    });
  });
};

const without = (row: Row, [name = '', ...deeper]: string[]): Row => {
  if (!isPlain(row)) return row;
  if (deeper.length > 0) return { ...row, ...(row[name] !== undefined && { [name]: without(row[name], deeper) }) };
  const { [name]: _, ...rest } = row;
  return rest;
};

const isPlain = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Rows of every collection. A collection that no former version had gets a made-up row. */
let stored: Record<string, Row[]>;
let connection: Connection;
beforeAll(async () => {
  const { dump } = await readDump('schema-1');
  const _id = new mongoose.Types.ObjectId();
  const queues = [{ _id, queue: 'org_1', token: 'x', until: new Date() }];
  const removals = [{ _id, of: 'org_1', hour: new Date(), count: 1 }];
  stored = { ...(await upgradeRows(dump)), queues, removals };
  connection = await connect(uniqueDatabase());
});
afterAll(() => connection.close());

describe.each(collections.map((one) => [one.name, one] as [string, CollectionDefinition]))(
  'a row of %s',
  (name, definition) => {
    const rowsOf = () => stored[name]!;
    const read = async (row: Row) => {
      await connection.collection(name).deleteMany({});
      await connection.collection(name).insertOne({ ...row } as never);
      return openCollection(connection, definition as CollectionDefinition<Shape & z.ZodType<Row>>).findOne({
        _id: row._id,
      });
    };

    it('can be read without any of its optional fields', async () => {
      expect(rowsOf()).not.toHaveLength(0);
      const tried = new Set<string>();
      for (const row of rowsOf()) {
        for (const path of optionalFields(definition.shape, row)) {
          const variant = `${row.provider ?? row.record?.provider ?? ''} ${path.join('.')}`;
          if (tried.has(variant)) continue;
          tried.add(variant);
          const found = await read(without(row, path));
          expect(found, variant).toMatchObject({ [definition.id]: row[definition.id] });
        }
        const bareRow = optionalFields(definition.shape, row).reduce(without, row);
        expect(await read(bareRow)).not.toBeNull();
      }
    });

    it('is refused without a required field: the error names the field, not its content', async () => {
      const [row] = rowsOf();
      const [required] = Object.keys(row!).filter((field) => field in optionlessFields(definition.shape, row!));
      const refused = read(without(row!, [required!]));
      await expect(refused).rejects.toThrow(UnreadableRow);
      await expect(refused).rejects.toThrow(`in ${name} cannot be read: ${required} `);
    });
  },
);

const optionlessFields = (schema: Shape, row: Row): Row => {
  const [object] = bare(schema).filter((one) => z.safeParse(one, row).success);
  const fields = Object.entries((object as z.ZodObject).shape);
  return Object.fromEntries(fields.filter(([name, field]) => name !== '_id' && !z.safeParse(field, undefined).success));
};

describe('over the API', () => {
  let service: OpenedService;
  beforeAll(async () => {
    service = await openService();
  });
  afterAll(() => service.close());

  it('answers a phone number, an integration and a key that have none of the optional fields', async () => {
    const { organization_id } = service.admin;
    for (const [name, path] of [
      ['phone_numbers', '/api/phone-numbers'],
      ['integrations', '/api/integrations'],
      ['api_keys', '/api/api-keys'],
    ] as const) {
      const { shape, id } = collections.find((one) => one.name === name)!;
      const rows: Row[] = stored[name]!.map((row, n) => ({
        ...optionalFields(shape, row).reduce(without, row),
        organization_id,
        ...(name === 'integrations' && { account_sid: `AC${n}` }),
      }));
      await service.connection.collection(name).insertMany(rows as never[]);
      const { status, body } = await service.admin.rest('GET', `${path}?page_size=100`);
      expect({ name, status }).toEqual({ name, status: 200 });
      const there = rows.filter((row) => row.provisioning_state !== 'gone').map((row) => row[id]);
      expect(body.data.map((row: Row) => row[id])).toEqual(expect.arrayContaining(there));
      if (name === 'api_keys') continue;
      for (const row of body.data) expect((await service.admin.rest('GET', `${path}/${row[id]}`)).status).toBe(200);
    }
  });
});

describe('a value that does not fit the shape', () => {
  const numbers = () => openCollection(connection, phoneNumbersCollection);
  const integrations = () => openCollection(connection, integrationsCollection);
  const integration = () => stored.integrations![0] as never as z.output<typeof integrationsCollection.shape>;

  it.each([
    ['an unknown field', { colour: 'red' }, 'colour is not in its shape'],
    [
      'an unknown nested field',
      { carrier: { domain_name: 'a', username: 'b', password: 'c', colour: 'red' } },
      'carrier.colour is not in its shape',
    ],
    ['a value of another type', { name: 5 }, 'name Invalid input: expected string'],
  ])('is not inserted: %s', async (_what, fields, said) => {
    const { _id, ...row } = integration() as Row;
    const inserted = integrations().insert({ ...row, ...fields } as never);
    await expect(inserted).rejects.toThrow(`This cannot be stored in integrations: ${said}`);
  });

  it.each([
    ['an unknown field', { $set: { 'provisioning.colour': 'red' } }, 'phone_numbers has no field provisioning.colour'],
    [
      'an unknown part',
      { $set: { 'provisioning.parts.tea': {} } },
      'phone_numbers has no field provisioning.parts.tea',
    ],
    [
      'a value of another type',
      { $set: { 'provisioning.due_at': 'soon' } },
      'as provisioning.due_at in phone_numbers: Invalid input',
    ],
    [
      'no value',
      { $set: { 'provisioning.uncertain_until': undefined } },
      'provisioning.uncertain_until in phone_numbers: it has no value',
    ],
    ['an unknown field taken away', { $unset: { colour: 1 } }, 'phone_numbers has no field colour'],
  ])('is not written: %s', async (_what, update, said) => {
    await expect(numbers().updateOne({ phone_number: '+15552000001' }, update)).rejects.toThrow(said);
  });

  it.each([
    ['by an unknown field', { colour: 'red' }, 'phone_numbers has no field colour'],
    [
      'by an unknown field of one of several',
      { $or: [{ phone_number: 'x' }, { colour: 'red' }] },
      'has no field colour',
    ],
    ['by no value', { phone_number: undefined }, 'The filter of phone_numbers by phone_number has no value'],
  ])('is not accepted in a filter: %s', async (_what, filter, said) => {
    await expect(numbers().findOne(filter)).rejects.toThrow(said);
  });
});
