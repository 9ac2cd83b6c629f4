/** Group commit: writes that arrive while one commit is under way, or in the same turn of the event loop, share the next transaction. */
import type { SqliteDriver } from './driver.ts';
import { toStoreError } from './errors.ts';

export interface CommitQueue {
  /** Runs `work` inside a transaction and answers with its result once that is durable. `work` must be synchronous. */
  commit<Result>(work: () => Result, signal: AbortSignal): Promise<Result>;
  /** Commits what has arrived. */
  flush(): void;
}

interface Entry {
  readonly signal: AbortSignal;
  /** Does the work; what it returns reports the outcome to the caller. */
  run(): () => void;
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
  const runAlone = (entry: Entry): (() => void) => {
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

  const commitAll = (entries: readonly Entry[]): void => {
    begin.run();
    const reports = entries.map(runAlone);
    commit.run();
    for (const report of reports) report();
  };

  /** After some failures (disk full, I/O) SQLite has rolled back by itself; then there is nothing left to do. */
  const abandon = (): void => {
    try {
      rollback.run();
    } catch {
      // no transaction is open
    }
  };

  const flush = (): void => {
    const entries = waiting.filter(({ signal }) => !signal.aborted);
    for (const { signal, fail } of waiting) if (signal.aborted) fail(signal.reason);
    waiting = [];
    if (entries.length === 0) return;
    try {
      commitAll(entries);
    } catch (error) {
      abandon();
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
