/** Group commit: writes that arrive while one commit is under way, or in the same turn of the event loop, share the next transaction. */
import type { SqliteDriver } from './driver.ts';
import { toStoreError } from './errors.ts';

export interface CommitQueue {
  /** Runs `work` inside a transaction and answers with its result once that is durable. `work` must be synchronous and change nothing but the database: it may run twice. */
  commit<Result>(work: () => Result, signal: AbortSignal): Promise<Result>;
  /** Commits what has arrived. */
  flush(): void;
}

/** Tells the caller the outcome; called once that is durable. */
type Report = () => void;

interface Entry {
  readonly signal: AbortSignal;
  /** Does the work; it may be undone and run again. */
  run(): Report;
  fail(error: unknown): void;
}

export const createCommitQueue = (driver: SqliteDriver): CommitQueue => {
  let waiting: Entry[] = [];
  const begin = driver.prepare('BEGIN IMMEDIATE');
  const commit = driver.prepare('COMMIT');
  const rollback = driver.prepare('ROLLBACK');
  const save = driver.prepare('SAVEPOINT entry');
  const release = driver.prepare('RELEASE entry');
  const undo = driver.prepare('ROLLBACK TO entry');

  /** A write that fails is undone alone, whatever shares its transaction. */
  const runAlone = (entry: Entry): Report => {
    save.run();
    try {
      return entry.run();
    } catch (error) {
      undo.run();
      return () => {
        entry.fail(toStoreError(error));
      };
    } finally {
      release.run();
    }
  };

  /** After some failures (disk full, I/O) SQLite has rolled back by itself; then there is nothing left to do. */
  const abandon = (): void => {
    try {
      rollback.run();
    } catch {
      // no transaction is open
    }
  };

  const transact = (entries: readonly Entry[], run: (entry: Entry) => Report): void => {
    let reports: readonly Report[];
    try {
      begin.run();
      reports = entries.map(run);
      commit.run();
    } catch (error) {
      abandon();
      throw error;
    }
    for (const report of reports) report();
  };

  /** Savepoints cost a third of the rate and failures are rare: only a batch that failed is repeated with them. */
  const commitAll = (entries: readonly Entry[]): void => {
    try {
      transact(entries, (entry) => entry.run());
    } catch {
      transact(entries, runAlone);
    }
  };

  const flush = (): void => {
    const arrived = waiting;
    waiting = [];
    for (const { signal, fail } of arrived) if (signal.aborted) fail(signal.reason);
    const entries = arrived.filter(({ signal }) => !signal.aborted);
    if (entries.length === 0) return;
    try {
      commitAll(entries);
    } catch (error) {
      for (const entry of entries) entry.fail(toStoreError(error));
    }
  };

  return {
    commit: <Result>(work: () => Result, signal: AbortSignal) =>
      new Promise<Result>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({
          signal,
          run() {
            const result = work();
            return () => {
              resolve(result);
            };
          },
          fail: reject,
        });
      }),
    flush,
  };
};
