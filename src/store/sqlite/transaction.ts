/** Runs several writes in one transaction, so that one that fails is undone alone. */
import type { SqliteDriver } from './driver.ts';
import { toStoreError } from './errors.ts';

/** Tells a caller the outcome; called once that is durable. */
export type Report = () => void;

export interface Entry {
  /** Does the work; it may be undone and run again. */
  run(): Report;
  fail(error: unknown): void;
}

/** The reports of what is committed, to be made once that is durable. Throws when the transaction as a whole failed. */
export type Transact = (entries: readonly Entry[]) => readonly Report[];

const createStep = (driver: SqliteDriver) => {
  const begin = driver.prepare('BEGIN IMMEDIATE');
  const commit = driver.prepare('COMMIT');
  const rollback = driver.prepare('ROLLBACK');
  /** After some failures (disk full, I/O) SQLite has rolled back by itself; then there is nothing left to do. */
  const abandon = (): void => {
    try {
      rollback.run();
    } catch {
      // no transaction is open
    }
  };
  return (entries: readonly Entry[], run: (entry: Entry) => Report): readonly Report[] => {
    try {
      begin.run();
      const reports = entries.map(run);
      commit.run();
      return reports;
    } catch (error) {
      abandon();
      throw error;
    }
  };
};

const createRunAlone = (driver: SqliteDriver) => {
  const save = driver.prepare('SAVEPOINT entry');
  const release = driver.prepare('RELEASE entry');
  const undo = driver.prepare('ROLLBACK TO entry');
  return (entry: Entry): Report => {
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
};

/** Savepoints cost a third of the rate and failures are rare: only a batch in which a write failed is repeated with them. */
export const createTransact = (driver: SqliteDriver): Transact => {
  const step = createStep(driver);
  const runAlone = createRunAlone(driver);
  return (entries) => {
    const failed: unknown[] = [];
    try {
      return step(entries, (entry) => {
        try {
          return entry.run();
        } catch (error) {
          failed.push(error);
          throw error;
        }
      });
    } catch (error) {
      if (failed.length === 0) throw error;
      return step(entries, runAlone);
    }
  };
};
