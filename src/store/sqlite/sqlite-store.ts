/** The embedded store: one SQLite file, one process (ADR 0001, ADR 0002). */
import { MagnetarError } from '../../kernel/errors.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { TaskStore, WriteResult } from '../../tasks/ports/task-store.ts';
import { createChangeHub, type OpenStore, type StoreLogger } from '../change-hub.ts';
import { createCommitQueue } from './commit-queue.ts';
import { toStoreError } from './errors.ts';
import { openDatabase } from './open.ts';
import { createReads } from './reads.ts';
import { createStatements } from './statements.ts';
import { createWrites, type Written } from './writes.ts';

export interface SqliteStoreOptions {
  /** The database file; it and its folder are made when missing. Beside it lie `-wal`, `-shm` and `.lock`. */
  readonly path: string;
  readonly logger?: StoreLogger;
}

/**
 * Opens the store for this process alone; throws STARTUP when that cannot be.
 * Reads see what is committed; a write answers after its commit reached the disk.
 */
export const createSqliteStore = ({ path, logger }: SqliteStoreOptions): OpenStore => {
  const { driver, close } = openDatabase(path);
  const statements = createStatements(driver);
  const queue = createCommitQueue(driver);
  const hub = createChangeHub(logger);
  const reads = createReads(statements);
  const writes = createWrites(statements);
  let open = true;

  const assertUsable = ({ signal }: CallOptions): void => {
    signal.throwIfAborted();
    if (!open) throw new MagnetarError('STOPPING', 'the store is closed');
  };

  const read = async <Result>(options: CallOptions, work: () => Result): Promise<Result> => {
    assertUsable(options);
    try {
      return await Promise.resolve(work());
    } catch (error) {
      throw toStoreError(error);
    }
  };

  const commit = async <Result>(options: CallOptions, work: () => Result): Promise<Result> => {
    assertUsable(options);
    return queue.commit(work, options.signal);
  };

  const change = async (options: CallOptions, work: () => Written): Promise<WriteResult> => {
    const written = await commit(options, work);
    if (written.change !== undefined) hub.emit(written.change);
    return written.result;
  };

  const store: TaskStore = {
    exclusive: true,
    async create(task, parts, options) {
      await change(options, () => writes.create(task, parts));
    },
    summary: (id, scope, options) => read(options, () => reads.summary(id, scope)),
    get: (id, scope, options) => read(options, () => reads.get(id, scope)),
    parts: (ids, kinds, options) => read(options, () => reads.parts(ids, kinds)),
    listSummaries: (request, options) => read(options, () => reads.listSummaries(request)),
    list: (request, options) => read(options, () => reads.list(request)),
    write: (id, guard, head, options) =>
      change(options, () => writes.write(id, guard, head, options.parts ?? [])),
    wish: (id, scope, wish, options) => change(options, () => writes.wish(id, scope, wish)),
    inbox: (id, job, facts, options) => change(options, () => writes.inbox(id, job, facts)),
    waiting: (options) => read(options, () => reads.waiting()),
    candidates: (request, options) => read(options, () => reads.candidates(request)),
    stamp: (destination, epoch, options) => commit(options, () => writes.stamp(destination, epoch)),
    active: (destination, options) => read(options, () => reads.active(destination)),
    indebted: (destination, options) => read(options, () => reads.indebted(destination)),
    lease: (destination, options) => read(options, () => reads.lease(destination)),
    swapLease: (from, to, options) => commit(options, () => writes.swapLease(from, to)),
    ping: (options) =>
      read(options, () => {
        reads.ping();
      }),
    close() {
      if (open) {
        open = false;
        queue.flush();
        close();
      }
      return Promise.resolve();
    },
  };
  return { store, changes: { subscribe: hub.subscribe } };
};
