/** The collections, their indexes and the version of both. */
import type { Collection, Db } from 'mongodb';
import { MagnetarError } from '../../kernel/errors.ts';
import type { ClassId, OwnerId, TaskId } from '../../tasks/ids.ts';
import type { Lease } from '../../tasks/ports/task-store.ts';
import type { PartDocument, TaskDocument } from './documents.ts';

export interface LeaseDocument extends Omit<Lease, 'destination' | 'capacity'> {
  readonly _id: string;
  readonly capacity?: Lease['capacity'] | null;
}

export interface ClassDocument {
  readonly _id: ClassId;
  /** JSON text. */
  readonly requirements: string;
}

/** A key of creations, and the task that it stands for, whether that is stored yet or not. */
export interface KeyDocument {
  readonly _id: string;
  readonly print: string;
  readonly task: TaskId;
  readonly until: number;
}

/** Whose limit of running tasks is watched, and which tasks count (places.ts). */
export interface OwnerDocument {
  readonly _id: OwnerId;
  readonly held: readonly TaskId[];
}

interface MetaDocument {
  readonly _id: 'schema';
  readonly v: number;
  /** Oldest program, by the version it knows, that still works on this store. */
  readonly min: number;
}

export interface Collections {
  readonly tasks: Collection<TaskDocument>;
  readonly parts: Collection<PartDocument>;
  readonly leases: Collection<LeaseDocument>;
  readonly classes: Collection<ClassDocument>;
  readonly idempotency: Collection<KeyDocument>;
  readonly owners: Collection<OwnerDocument>;
  readonly meta: Collection<MetaDocument>;
}

export const collectionsOf = (db: Db): Collections => ({
  tasks: db.collection('tasks'),
  parts: db.collection('parts'),
  leases: db.collection('leases'),
  classes: db.collection('classes'),
  idempotency: db.collection('idempotency'),
  owners: db.collection('owners'),
  meta: db.collection('meta'),
});

interface Index {
  readonly name: string;
  readonly key: Readonly<Record<string, 1 | -1>>;
}

/** Version of documents and indexes that this program writes. A program older than 4 would run tasks without the secrets of their URLs. */
const SCHEMA = { v: 4, min: 4 } as const;

const TASK_INDEXES = [
  { name: 'owner', key: { owner: 1, _id: -1 } },
  { name: 'owner_state', key: { owner: 1, state: 1, _id: -1 } },
  { name: 'owner_keys', key: { owner: 1, keys: 1, _id: -1 } },
  { name: 'groups', key: { groups: 1, _id: -1 } },
  { name: 'state', key: { state: 1, _id: -1 } },
  { name: 'keys', key: { keys: 1, _id: -1 } },
  { name: 'ready', key: { ready: 1, class: 1, owner: 1, prio: -1, _id: 1 } },
  { name: 'active', key: { 'run.destination': 1, 'run.epoch': 1 } },
  { name: 'debts', key: { 'debts.destination': 1 } },
  { name: 'mod', key: { mod: 1, _id: 1 } },
] as const satisfies readonly Index[];

/** `_id_` is MongoDB's own. */
export type IndexName = (typeof TASK_INDEXES)[number]['name'] | '_id_';

const PART_INDEXES: readonly Index[] = [{ name: 'kind', key: { kind: 1, task: 1 } }];
const KEY_INDEXES: readonly Index[] = [{ name: 'until', key: { until: 1 } }];

/** Refuses a store of a newer program, makes the indexes, records the version. */
export const prepareCollections = async (collections: Collections): Promise<void> => {
  const { tasks, parts, idempotency, meta } = collections;
  const found = await meta.findOne({ _id: 'schema' });
  if (found !== null && found.min > SCHEMA.v) {
    throw new MagnetarError(
      'STARTUP',
      `the database ${meta.dbName} was written by a newer version of this program (it needs schema ${String(found.min)}, this program knows ${String(SCHEMA.v)}): install that version, or name another database`,
    );
  }
  if (found !== null && found.v >= SCHEMA.v) return;
  // one by one: FerretDB ends the connection when some of several exist already
  for (const { name, key } of TASK_INDEXES) await tasks.createIndex(key, { name }, {});
  for (const { name, key } of PART_INDEXES) await parts.createIndex(key, { name }, {});
  for (const { name, key } of KEY_INDEXES) await idempotency.createIndex(key, { name }, {});
  await meta.updateOne({ _id: 'schema' }, { $set: SCHEMA }, { upsert: true });
};
