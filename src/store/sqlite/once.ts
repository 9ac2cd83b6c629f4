/** Keys of creations, written in the transaction of the task they stand for. */
import type { TaskId } from '../../tasks/ids.ts';
import type { Once } from '../../tasks/ports/task-store.ts';
import type { Statements } from './statements.ts';

export const FIND_KEY = 'SELECT print, task FROM idempotency WHERE key = ? AND until > ?';
const PUT_KEY = 'INSERT OR REPLACE INTO idempotency (key, print, task, until) VALUES (?, ?, ?, ?)';
/** Two for each one that comes, so that what has expired is gone sooner than it arrived, and no creation pays for many. */
export const PRUNE_KEYS = `DELETE FROM idempotency
  WHERE key IN (SELECT key FROM idempotency WHERE until <= ? ORDER BY until LIMIT 2)`;

interface KeyRow {
  readonly print: string;
  readonly task: TaskId;
}

/** What an earlier creation under the key made; undefined when this is the first. */
export const earlierOf = (
  sql: Statements,
  { key, print, at }: Once,
): TaskId | 'other' | undefined => {
  const row = sql(FIND_KEY).get(key, at) as KeyRow | undefined;
  if (row === undefined) return undefined;
  return row.print === print ? row.task : 'other';
};

export const putKey = (sql: Statements, task: TaskId, { key, print, at, until }: Once): void => {
  sql(PRUNE_KEYS).run(at);
  sql(PUT_KEY).run(key, print, task, until);
};
