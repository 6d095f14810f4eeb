import { type Connection, Schema } from 'mongoose';

/** What a stand-in keeps, by kind and id. Things come back in the order in which they were first put. */
export interface Shelf {
  list<T>(kind: string): Promise<T[]>;
  get<T>(kind: string, id: string): Promise<T | undefined>;
  put<T extends object>(kind: string, id: string, thing: T): Promise<void>;
  /** False where there was nothing. */
  remove(kind: string, id: string): Promise<boolean>;
}

/** For tests and measurements: nothing is kept. */
export const createMemoryShelf = (): Shelf => {
  const kinds = new Map<string, Map<string, string>>();
  const things = (kind: string) => kinds.get(kind) ?? new Map<string, string>();
  return {
    list: async (kind) => [...things(kind).values()].map((thing) => JSON.parse(thing)),
    get: async (kind, id) => {
      const thing = things(kind).get(id);
      return thing === undefined ? undefined : JSON.parse(thing);
    },
    put: async (kind, id, thing) => {
      kinds.set(kind, things(kind).set(id, JSON.stringify(thing)));
    },
    remove: async (kind, id) => things(kind).delete(id),
  };
};

interface Row {
  _id: string;
  kind: string;
  put_at: Date;
  thing: string;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    put_at: { type: Date, required: true },
    thing: { type: String, required: true },
  },
  { strict: 'throw', strictQuery: 'throw', versionKey: false },
).index({ kind: 1, put_at: 1 });

/** In the database beside the records that name these things, so that both survive a restart. */
export const createDatabaseShelf = (connection: Connection): Shelf => {
  const rows = connection.model<Row>('SandboxThing', schema, 'sandbox');
  return {
    list: async (kind) =>
      (await rows.find({ kind }).sort({ put_at: 1, _id: 1 }).lean<Row[]>()).map(({ thing }) => JSON.parse(thing)),
    get: async (kind, id) => {
      const row = await rows.findOne({ _id: `${kind}/${id}` }).lean<Row>();
      return row ? JSON.parse(row.thing) : undefined;
    },
    put: async (kind, id, thing) => {
      const written = { $set: { kind, thing: JSON.stringify(thing) }, $setOnInsert: { put_at: new Date() } };
      await rows.updateOne({ _id: `${kind}/${id}` }, written, { upsert: true });
    },
    remove: async (kind, id) => (await rows.deleteOne({ _id: `${kind}/${id}` })).deletedCount > 0,
  };
};
