/** A lock that one process holds on a name of the file system, and that the system drops with the process, however it ends. */
import { closeSync, openSync } from 'node:fs';
import { openBetterSqlite } from './better-sqlite-driver.ts';
import { sqliteCodeOf, type OpenSqlite } from './driver.ts';
import { startupError } from './errors.ts';

/** Makes a file that only its owner may read. */
export const touch = (file: string): void => {
  closeSync(openSync(file, 'a', 0o600));
};

/**
 * Holds `file`, an empty database under an exclusive transaction, until the answer is closed; nothing stale can be left.
 * @throws MagnetarError STARTUP with `held` when another process holds it
 */
export const lockFile = (
  file: string,
  held: string,
  open: OpenSqlite = openBetterSqlite,
): { close(): void } => {
  touch(file);
  const lock = open(file);
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw sqliteCodeOf(error) === 'SQLITE_BUSY' ? startupError(held, error) : error;
  }
};
