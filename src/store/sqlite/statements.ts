/** Prepares each statement once. */
import type { SqliteDriver, SqliteStatement } from './driver.ts';

/** More different texts than the store has, so that only the rare shapes of a filter are prepared again. */
const MOST = 128;

export type Statements = (sql: string) => SqliteStatement;

export const createStatements = (driver: SqliteDriver): Statements => {
  const prepared = new Map<string, SqliteStatement>();
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = driver.prepare(sql);
    if (prepared.size < MOST) prepared.set(sql, statement);
    return statement;
  };
};
