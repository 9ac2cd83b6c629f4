/** The driver on better-sqlite3 (ADR 0001). */
import Database from 'better-sqlite3';
import type { OpenSqlite } from './driver.ts';

export const openBetterSqlite: OpenSqlite = (path) => {
  const database = new Database(path, { fileMustExist: true, timeout: 0 });
  return {
    exec(sql) {
      database.exec(sql);
    },
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        run(...values) {
          const { changes, lastInsertRowid } = statement.run(...values);
          return { changes, lastRowid: Number(lastInsertRowid) };
        },
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    close() {
      database.close();
    },
  };
};
