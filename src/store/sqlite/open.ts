/** Opens the database file for one process alone and brings it to this program's schema. */
import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openBetterSqlite } from './better-sqlite-driver.ts';
import type { Sync } from './commit-queue.ts';
import type { OpenSqlite, SqliteDriver } from './driver.ts';
import { startupError, toStartupError } from './errors.ts';
import { lockFile, touch } from './file-lock.ts';
import { MIGRATIONS } from './schema.ts';

/**
 * NORMAL leaves out the one sync that FULL makes: that of the write-ahead log after each commit. It is made by `sync`,
 * in another thread, before a write is answered (ADR 0012). A checkpoint is made for every 16 MB only, since most commits
 * change the same pages. Backup programs may hold the file for a moment. What is deleted is overwritten.
 */
const PRAGMAS = `
  PRAGMA busy_timeout = 1000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -8192;
  PRAGMA secure_delete = ON;
`;

const datasync = promisify(fdatasync);

const heldMessage = (path: string): string =>
  `another process uses the database ${path}: stop it, or give this one a file of its own, or let both share a MongoDB`;

const numberOf = (row: unknown): number | undefined =>
  typeof row === 'object' && row !== null && 'value' in row ? Number(row.value) : undefined;

const isFresh = (driver: SqliteDriver): boolean =>
  driver.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined;

const hasMeta = (driver: SqliteDriver): boolean =>
  driver.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get() !== undefined;

const migrate = (driver: SqliteDriver, path: string): void => {
  if (!isFresh(driver) && !hasMeta(driver)) {
    throw startupError(`${path} is a database of another program: name another file`);
  }
  driver.exec(
    'CREATE TABLE IF NOT EXISTS meta (key TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT',
  );
  const read = driver.prepare('SELECT value FROM meta WHERE key = ?');
  const write = driver.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
  const known = MIGRATIONS.at(-1)?.to ?? 0;
  const needed = numberOf(read.get('min')) ?? 0;
  if (needed > known) {
    throw startupError(
      `the database ${path} was written by a newer version of this program (it needs schema ${String(needed)}, this program knows ${String(known)}): install that version, or name another file`,
    );
  }
  const schema = numberOf(read.get('schema')) ?? 0;
  for (const { to, min, sql } of MIGRATIONS.filter((migration) => migration.to > schema)) {
    driver.exec(`BEGIN IMMEDIATE; ${sql}`);
    write.run('schema', to);
    write.run('min', min);
    driver.exec('COMMIT');
  }
};

export interface OpenedDatabase {
  readonly driver: SqliteDriver;
  /** Resolves once all that was committed before it survives a power cut. */
  readonly sync: Sync;
  /** Closes the file, then lets others in. */
  close(): void;
}

/** Throws one STARTUP error that names the file and says what to do. Missing folders are made. */
export const openDatabase = (
  givenPath: string,
  open: OpenSqlite = openBetterSqlite,
): OpenedDatabase => {
  const path = resolve(givenPath);
  const opened: { close(): void }[] = [];
  const close = () => {
    for (const driver of opened.splice(0).reverse()) driver.close();
  };
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    touch(path);
    opened.push(lockFile(`${path}.lock`, heldMessage(path), open));
    const driver = open(path);
    opened.push(driver);
    driver.exec(PRAGMAS);
    migrate(driver, path);
    const log = openSync(`${path}-wal`, 'r+');
    opened.push({
      close: () => {
        closeSync(log);
      },
    });
    return { driver, sync: () => datasync(log), close };
  } catch (error) {
    close();
    throw toStartupError(path, error);
  }
};
