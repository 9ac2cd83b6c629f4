/** The calls that change something, as synchronous steps that run inside a transaction of the commit queue. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobId, TaskId } from '../../tasks/ids.ts';
import type { TaskChange } from '../../tasks/ports/changes.ts';
import type {
  CreateResult,
  Lease,
  NewTask,
  Once,
  Scope,
  WriteGuard,
  WriteResult,
} from '../../tasks/ports/task-store.ts';
import { isTerminal } from '../../tasks/states.ts';
import type { Inbox, Part, TaskHead, Wish } from '../../tasks/task.ts';
import { newFacts } from '../facts.ts';
import { RUNNING_STATES } from '../usage.ts';
import { entriesOf } from './entries.ts';
import { earlierOf, putKey } from './once.ts';
import { decodeHead, decodeKeyRow, encodeBody, headColumns, textOf, type KeyRow } from './rows.ts';
import type { Statements } from './statements.ts';
import { scopeCondition } from './visible.ts';

const KEY_COLUMNS = 'id, n, rev, owner';
const KEY_ROW = `SELECT ${KEY_COLUMNS} FROM tasks WHERE id = ?`;
const INSERT_TASK = `INSERT INTO tasks
    (id, n, rev, owner, class, prio, state, ready, cancelled, destination, epoch, job)
  VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE_TASK = `UPDATE tasks SET rev = rev + 1,
    state = ?, ready = ?, cancelled = ?, destination = ?, epoch = ?, job = ?
  WHERE id = ? AND rev = ? AND (? IS NULL OR epoch = ?) AND ready >= ? AND cancelled <= ?
  RETURNING ${KEY_COLUMNS}`;
/** Whether the owner has a place left for the task, or the task has one: then it is one of those that count. */
export const HAS_PLACE = `SELECT 1 FROM tasks t WHERE t.id = ? AND (t.state <> 'QUEUED' OR ? > (
  SELECT coalesce(sum(o.count), 0) FROM owned o
  WHERE o.owner = t.owner AND o.state IN (${RUNNING_STATES.map((state) => `'${state}'`).join()})))`;
const INSERT_BODY = 'INSERT INTO bodies (name, body) VALUES (?, ?)';
const INSERT_ENTRY = 'INSERT INTO entries (entry, id) VALUES (?, ?)';
const INSERT_CLASS = 'INSERT OR IGNORE INTO classes (class, requirements) VALUES (?, ?)';
const INSERT_PART =
  'INSERT OR REPLACE INTO parts (task, attempt, kind, i, text) VALUES (?, ?, ?, ?, ?)';
export const WIPE_SECRETS = "DELETE FROM parts WHERE task = ? AND kind = 'secret'";
/** Exported for the tests that look at plans. */
export const STAMPABLE = `SELECT ${KEY_COLUMNS} FROM tasks WHERE destination = ? AND epoch < ?`;
const INSERT_LEASE = `INSERT INTO leases (holder, epoch, beat, address, capacity, destination)
  VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (destination) DO NOTHING`;
const SWAP_LEASE = `UPDATE leases SET holder = ?, epoch = ?, beat = ?, address = ?, capacity = ?
  WHERE destination = ? AND holder = ? AND epoch = ? AND beat = ?`;

/** How a write ended, and what to tell about it. */
export interface Written<Result = WriteResult> {
  readonly result: Result;
  readonly change?: TaskChange;
}

const MISSING: Written = { result: 'missing' };
const CONFLICT: Written = { result: 'conflict' };

const rowOf = (sql: Statements, id: TaskId): KeyRow | undefined =>
  decodeKeyRow(sql(KEY_ROW).get(id));

const headOf = (sql: Statements, { n }: KeyRow): TaskHead =>
  decodeHead(textOf(sql('SELECT head FROM heads WHERE n = ?').get(n), 'head'));

const putParts = (sql: Statements, parts: readonly Part[]): void => {
  for (const { task, attempt, kind, index, text } of parts) {
    sql(INSERT_PART).run(task, attempt, kind, index, text);
  }
};

const putDebts = (sql: Statements, id: TaskId, { debts }: TaskHead): void => {
  for (const destination of new Set(debts.map((debt) => debt.destination))) {
    sql('INSERT INTO debts (id, destination) VALUES (?, ?)').run(id, destination);
  }
};

/** Replaces the head where the guard holds; undefined where it does not. */
const update = (
  sql: Statements,
  id: TaskId,
  guard: WriteGuard,
  head: TaskHead,
): Written | undefined => {
  const { places } = guard;
  if (places !== undefined && sql(HAS_PLACE).get(id, places) === undefined) return undefined;
  const row = decodeKeyRow(
    sql(UPDATE_TASK).get(
      ...headColumns(head),
      id,
      guard.rev,
      guard.epoch ?? null,
      guard.epoch ?? null,
      guard.ready === true ? 1 : 0,
      guard.uncancelled === true ? 0 : 1,
    ),
  );
  if (row === undefined) return undefined;
  sql('UPDATE heads SET head = ? WHERE n = ?').run(JSON.stringify(head), row.n);
  sql('DELETE FROM debts WHERE id = ?').run(id);
  putDebts(sql, id, head);
  if (isTerminal(head.state)) sql(WIPE_SECRETS).run(id);
  const { owner, rev } = row;
  return { result: 'applied', change: { id, owner, state: head.state, rev } };
};

export const create = (
  sql: Statements,
  task: NewTask,
  { parts, once }: { readonly parts: readonly Part[]; readonly once: Once | undefined },
): Written<CreateResult> => {
  const { id, owner, head } = task;
  const earlier = once === undefined ? undefined : earlierOf(sql, once);
  if (earlier === 'other') return { result: 'other' };
  if (earlier !== undefined) return { result: { id: earlier, made: false } };
  if (rowOf(sql, id) !== undefined) {
    throw new MagnetarError('INTERNAL', `there is a task ${id} already`);
  }
  const { lastRowid: n } = sql(INSERT_BODY).run(task.name ?? null, encodeBody(task));
  sql('INSERT INTO heads (n, head) VALUES (?, ?)').run(n, JSON.stringify(head));
  sql(INSERT_TASK).run(id, n, owner, task.class, task.prio, ...headColumns(head));
  for (const entry of entriesOf(task)) sql(INSERT_ENTRY).run(entry, id);
  sql(INSERT_CLASS).run(task.class, JSON.stringify(task.requirements));
  putDebts(sql, id, head);
  putParts(sql, parts);
  if (once !== undefined) putKey(sql, id, once);
  return { result: { id, made: true }, change: { id, owner, state: head.state, rev: 1 } };
};

export const write = (
  sql: Statements,
  id: TaskId,
  guard: WriteGuard,
  { head, parts }: { readonly head: TaskHead; readonly parts: readonly Part[] },
): Written => {
  const written = update(sql, id, guard, head);
  if (written === undefined) return rowOf(sql, id) === undefined ? MISSING : CONFLICT;
  putParts(sql, parts);
  return written;
};

const isVisible = (sql: Statements, { id }: KeyRow, scope: Scope): boolean => {
  const condition = scopeCondition(scope);
  const row = sql(`SELECT 1 FROM tasks t WHERE t.id = ?${condition.sql}`).get(
    id,
    ...condition.values,
  );
  return row !== undefined;
};

export const wish = (sql: Statements, id: TaskId, scope: Scope, wanted: Wish): Written => {
  const row = rowOf(sql, id);
  if (row === undefined || !isVisible(sql, row, scope)) return MISSING;
  const head = headOf(sql, row);
  if (isTerminal(head.state) || head.cancel !== undefined) return CONFLICT;
  return update(sql, id, { rev: row.rev }, { ...head, cancel: wanted }) ?? CONFLICT;
};

export const inbox = (sql: Statements, id: TaskId, job: JobId, facts: Inbox): Written => {
  const row = rowOf(sql, id);
  if (row === undefined) return MISSING;
  const head = headOf(sql, row);
  if (head.run?.job !== job) return CONFLICT;
  const fresh = newFacts(head.run.inbox, facts);
  if (fresh === undefined) return CONFLICT;
  const run = { ...head.run, inbox: { ...head.run.inbox, ...fresh } };
  return update(sql, id, { rev: row.rev }, { ...head, run }) ?? CONFLICT;
};

export const stamp = (sql: Statements, destination: string, epoch: number): number => {
  const rows = sql(STAMPABLE)
    .all(destination, epoch)
    .flatMap((row) => decodeKeyRow(row) ?? []);
  for (const row of rows) {
    const head = headOf(sql, row);
    if (head.run === undefined) continue;
    update(sql, row.id, { rev: row.rev }, { ...head, run: { ...head.run, epoch } });
  }
  return rows.length;
};

export const swapLease = (sql: Statements, from: Lease | undefined, to: Lease): WriteResult => {
  const { destination } = to;
  const capacity = to.capacity === undefined ? null : JSON.stringify(to.capacity);
  const values = [to.holder, to.epoch, to.beat, to.address, capacity, destination] as const;
  const { changes } =
    from === undefined
      ? sql(INSERT_LEASE).run(...values)
      : sql(SWAP_LEASE).run(...values, from.holder, from.epoch, from.beat);
  if (changes > 0) return 'applied';
  const row = sql('SELECT 1 FROM leases WHERE destination = ?').get(destination);
  return row === undefined ? 'missing' : 'conflict';
};
