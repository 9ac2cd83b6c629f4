/** One server on one data directory, whatever its store: the embedded Pulsar and the install secret are one server's. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MagnetarError } from '../kernel/errors.ts';
import { openBetterSqlite } from '../store/sqlite/better-sqlite-driver.ts';
import { sqliteCodeOf } from '../store/sqlite/driver.ts';

/**
 * Holds `lock` in the directory until the answered function is called. It is an empty database under an exclusive transaction, as
 * the SQLite store has beside its file: the system drops that lock with the process, however it ends.
 * @throws MagnetarError STARTUP when another process holds it
 */
export const lockDataDirectory = (directory: string): (() => void) => {
  const file = join(directory, 'lock');
  closeSync(openSync(file, 'a', 0o600));
  const lock = openBetterSqlite(file);
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (sqliteCodeOf(error) !== 'SQLITE_BUSY') throw error;
    throw new MagnetarError(
      'STARTUP',
      `another Magnetar uses the data directory ${directory}: stop it, or give this one its own: --data DIR`,
      { cause: error },
    );
  }
  return () => {
    lock.close();
  };
};
