/** The embedded store: one SQLite file, one process (ADR 0001, ADR 0002). */
import type { TaskStore } from '../../tasks/ports/task-store.ts';
import { createChangeHub, type OpenStore, type StoreLogger } from '../change-hub.ts';
import { createCalls, type Calls } from './calls.ts';
import { createCommitQueue } from './commit-queue.ts';
import { openDatabase } from './open.ts';
import { createReads } from './reads.ts';
import { createStatements, type Statements } from './statements.ts';
import { createTransact } from './transaction.ts';
import { create, inbox, stamp, swapLease, wish, write } from './writes.ts';

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made when missing. Beside it lie `-wal`, `-shm` and `.lock`. */
  readonly path: string;
  readonly logger?: StoreLogger;
}

const storeOn = (sql: Statements, calls: Calls): TaskStore => {
  const reads = createReads(sql);
  return {
    exclusive: true,
    create(task, given, options) {
      const { once, partsFor = () => [] } = options;
      const parts = [...given, ...partsFor(task.id)];
      return calls.change(options, () => create(sql, task, { parts, once }));
    },
    summary: (id, scope, options) => calls.read(options, () => reads.summary(id, scope)),
    get: (id, scope, options) => calls.read(options, () => reads.get(id, scope)),
    parts: (ids, kinds, options) => calls.read(options, () => reads.parts(ids, kinds)),
    listSummaries: (request, options) => calls.read(options, () => reads.listSummaries(request)),
    listRevisions: (request, options) => calls.read(options, () => reads.listRevisions(request)),
    tasks: (ids, options) => calls.read(options, () => reads.tasks(ids)),
    write: (id, guard, head, options) =>
      calls.change(options, () => write(sql, id, guard, { head, parts: options.parts ?? [] })),
    wish: (id, scope, wanted, options) => calls.change(options, () => wish(sql, id, scope, wanted)),
    inbox: (id, job, facts, options) => calls.change(options, () => inbox(sql, id, job, facts)),
    usage: (owner, most, options) => calls.read(options, () => reads.usage(owner, most)),
    creation: (once, options) => calls.read(options, () => reads.creation(once)),
    waiting: (options) => calls.read(options, () => reads.waiting()),
    places: (owners, most, options) => calls.read(options, () => reads.places(owners, most)),
    candidates: (request, options) => calls.read(options, () => reads.candidates(request)),
    stamp: (destination, epoch, options) =>
      calls.commit(options, () => stamp(sql, destination, epoch)),
    active: (destination, options) => calls.read(options, () => reads.active(destination)),
    debts: (destination, options) => calls.read(options, () => reads.debts(destination)),
    destinationsInUse: (options) => calls.read(options, () => reads.destinationsInUse()),
    lease: (destination, options) => calls.read(options, () => reads.lease(destination)),
    leases: (options) => calls.read(options, () => reads.leases()),
    swapLease: (from, to, options) => calls.commit(options, () => swapLease(sql, from, to)),
    ping: (options) =>
      calls.read(options, () => {
        reads.ping();
      }),
    close: () => calls.close(),
  };
};

/**
 * Opens the store for this process alone; throws STARTUP when that cannot be.
 * Reads see what is committed; a write answers after its commit reached the disk.
 */
export const createSqliteStore = ({ path, logger }: SqliteStoreOptions): OpenStore => {
  const database = openDatabase(path);
  const hub = createChangeHub(logger);
  const queue = createCommitQueue(createTransact(database.driver), database.sync);
  const calls = createCalls(database, queue, hub);
  const store = storeOn(createStatements(database.driver), calls);
  return { store, changes: hub };
};
