/** The shared store: many servers on one MongoDB (ADR 0002). */
import { randomUUID } from 'node:crypto';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import type { TaskId } from '../../tasks/ids.ts';
import type { TaskStore, WriteResult } from '../../tasks/ports/task-store.ts';
import { createChangeHub, type OpenStore, type StoreLogger } from '../change-hub.ts';
import { createCalls, type Calls } from './calls.ts';
import { collectionsOf, prepareCollections, type Collections } from './collections.ts';
import { toStartupError } from './errors.ts';
import { earlierOf, pruneKeys } from './once.ts';
import { places } from './places.ts';
import {
  active,
  candidates,
  debts,
  destinationsInUse,
  findTasks,
  get,
  listRevisions,
  listSummaries,
  parts,
  summary,
  usage,
  waiting,
} from './reads.ts';
import { startSweeps, type Sweeps } from './secrets.ts';
import { startTail, type Tail } from './tail.ts';
import { allLeases, create, inbox, lease, stamp, swapLease, wish, write } from './writes.ts';

export interface MongoStoreOptions {
  /** `mongodb://…` or `mongodb+srv://…`; a database named in its path is used. */
  readonly url: string;
  readonly logger?: StoreLogger;
}

const DEFAULT_DATABASE = 'magnetar';

/** Acknowledged = on the disks of the majority. Tries again by itself (calls.ts), because it can tell whose write was applied. */
const CLIENT_OPTIONS: MongoClientOptions = {
  appName: 'magnetar',
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  retryWrites: false,
  ignoreUndefined: true,
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 5_000,
  socketTimeoutMS: 30_000,
};

const databaseOf = (url: string): string =>
  /^[^:]+:\/\/[^/]*\/([^?]+)/.exec(url)?.[1] ?? DEFAULT_DATABASE;

interface Parts {
  readonly client: MongoClient;
  readonly collections: Collections;
  readonly calls: Calls;
  readonly tail: Tail;
  readonly sweeps: Sweeps;
  /** Told of the time now and then. */
  readonly prune: (now: number) => void;
}

const PRUNE_EVERY_MS = 60_000;
const NEVER = new AbortController().signal;

/** Removes expired keys, beside the calls and at most once a minute; a failure leaves them to the next time. */
const createPrune = (collections: Collections, calls: Calls) => {
  let last = 0;
  return (now: number): void => {
    if (now < last + PRUNE_EVERY_MS) return;
    last = now;
    calls.run({ signal: NEVER }, () => pruneKeys(collections, now)).catch(() => undefined);
  };
};

/** Listeners hear of an applied write at once; should that fail, the tail tells them a moment later. */
const announced = (tail: Tail, id: TaskId, result: WriteResult): WriteResult => {
  if (result === 'applied') void tail.announce(id).catch(() => undefined);
  return result;
};

type Reading = Pick<
  TaskStore,
  | 'summary'
  | 'usage'
  | 'creation'
  | 'get'
  | 'parts'
  | 'listSummaries'
  | 'listRevisions'
  | 'tasks'
  | 'waiting'
  | 'places'
  | 'candidates'
  | 'active'
  | 'debts'
  | 'destinationsInUse'
  | 'lease'
  | 'leases'
>;

const readingOf = ({ collections, calls }: Parts): Reading => ({
  summary: (id, scope, options) => calls.run(options, () => summary(collections, id, scope)),
  get: (id, scope, options) => calls.run(options, () => get(collections, id, scope)),
  parts: (ids, kinds, options) => calls.run(options, () => parts(collections, ids, kinds)),
  listSummaries: (request, options) =>
    calls.run(options, () => listSummaries(collections, request, options)),
  listRevisions: (request, options) =>
    calls.run(options, () => listRevisions(collections, request, options)),
  tasks: (ids, options) =>
    calls.run(options, () => findTasks(collections, { _id: { $in: [...ids] } })),
  usage: (owner, most, options) => calls.run(options, () => usage(collections, owner, most)),
  creation: (once, options) => calls.run(options, () => earlierOf(collections, once)),
  waiting: (options) => calls.run(options, () => waiting(collections)),
  places: (owners, most, options) => calls.run(options, () => places(collections, owners, most)),
  candidates: (request, options) => calls.run(options, () => candidates(collections, request)),
  active: (destination, options) => calls.run(options, () => active(collections, destination)),
  debts: (destination, options) => calls.run(options, () => debts(collections, destination)),
  destinationsInUse: (options) => calls.run(options, () => destinationsInUse(collections)),
  lease: (destination, options) => calls.run(options, () => lease(collections, destination)),
  leases: (options) => calls.run(options, () => allLeases(collections)),
});

type Writing = Pick<
  TaskStore,
  'create' | 'write' | 'wish' | 'inbox' | 'stamp' | 'swapLease' | 'ping' | 'close'
>;

const writingOf = ({ client, collections, calls, tail, sweeps, prune }: Parts): Writing => ({
  async create(task, given, options) {
    const { once, partsFor = () => [] } = options;
    const creation = { parts: given, partsFor, w: randomUUID(), once };
    const created = await calls.run(options, () => create(collections, task, creation));
    if (once !== undefined) prune(once.at);
    if (created !== 'other' && created.made) {
      tail.offer({ id: created.id, owner: task.owner, state: task.head.state, rev: 1 });
    }
    return created;
  },
  async write(id, guard, head, options) {
    const change = { head, parts: options.parts ?? [], w: randomUUID() };
    const result = await calls.run(options, () => write(collections, id, guard, change));
    return announced(tail, id, result);
  },
  async wish(id, scope, wanted, options) {
    const w = randomUUID();
    const result = await calls.run(options, () => wish(collections, id, scope, { wanted, w }));
    return announced(tail, id, result);
  },
  async inbox(id, job, facts, options) {
    const result = await calls.run(options, () => inbox(collections, id, job, facts));
    return announced(tail, id, result);
  },
  stamp: (destination, epoch, options) =>
    calls.run(options, () => stamp(collections, destination, epoch)),
  swapLease: (from, to, options) =>
    calls.run(options, (retried) => swapLease(collections, from, { to, retried })),
  ping: (options) =>
    calls.run(options, async () => {
      await collections.meta.findOne({ _id: 'schema' });
    }),
  async close() {
    sweeps.stop();
    await calls.drain();
    await tail.close();
    await client.close();
  },
});

/** Connects, makes the indexes, and follows the changes of all processes; throws STARTUP when that cannot be. */
export const createMongoStore = async ({ url, logger }: MongoStoreOptions): Promise<OpenStore> => {
  const hub = createChangeHub(logger);
  let client: MongoClient | undefined;
  try {
    client = new MongoClient(url, CLIENT_OPTIONS);
    const collections = collectionsOf(client.db(databaseOf(url)));
    await prepareCollections(collections);
    const tail = await startTail({ collections, hub, logger });
    const calls = createCalls();
    const prune = createPrune(collections, calls);
    const sweeps = startSweeps({ collections, calls, logger });
    const all: Parts = { client, collections, calls, tail, sweeps, prune };
    const store: TaskStore = { exclusive: false, ...readingOf(all), ...writingOf(all) };
    return { store, changes: hub };
  } catch (error) {
    await client?.close();
    throw toStartupError(url, error);
  }
};
