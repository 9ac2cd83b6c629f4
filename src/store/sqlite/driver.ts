/** The few calls of a SQLite library that the store needs, so that libraries can be exchanged. All of them are synchronous. */

export type SqlValue = string | number | null;

export interface SqliteStatement {
  run(...values: readonly SqlValue[]): { readonly changes: number; readonly lastRowid: number };
  /** The first row as an object, or undefined. */
  get(...values: readonly SqlValue[]): unknown;
  all(...values: readonly SqlValue[]): readonly unknown[];
}

export interface SqliteDriver {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Opens a file that must exist; failing locks are told at once. */
export type OpenSqlite = (path: string) => SqliteDriver;

/** Code of a SQLite error such as `SQLITE_BUSY`; undefined when it is none. */
export const sqliteCodeOf = (error: unknown): string | undefined =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  error.code.startsWith('SQLITE_')
    ? error.code
    : undefined;
