/** The calls that change something, as synchronous steps that run inside a transaction of the commit queue. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobId, TaskId } from '../../tasks/ids.ts';
import type { TaskChange } from '../../tasks/ports/changes.ts';
import type {
  Lease,
  NewTask,
  Scope,
  WriteGuard,
  WriteResult,
} from '../../tasks/ports/task-store.ts';
import { isTerminal } from '../../tasks/states.ts';
import type { Inbox, Part, TaskHead, Wish } from '../../tasks/task.ts';
import { newFacts } from '../facts.ts';
import { entriesOf } from './entries.ts';
import { decodeHead, decodeKeyRow, encodeBody, headColumns, textOf, type KeyRow } from './rows.ts';
import type { Statements } from './statements.ts';

const KEY_COLUMNS = 'id, n, rev, owner';
const KEY_ROW = `SELECT ${KEY_COLUMNS} FROM tasks WHERE id = ?`;
const INSERT_TASK = `INSERT INTO tasks
    (id, n, rev, owner, class, prio, state, ready, cancelled, destination, epoch, job)
  VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE_TASK = `UPDATE tasks SET rev = rev + 1,
    state = ?, ready = ?, cancelled = ?, destination = ?, epoch = ?, job = ?
  WHERE id = ? AND rev = ? AND (? IS NULL OR epoch = ?) AND ready >= ? AND cancelled <= ?
  RETURNING ${KEY_COLUMNS}`;
const INSERT_PART =
  'INSERT OR REPLACE INTO parts (task, attempt, kind, i, text) VALUES (?, ?, ?, ?, ?)';
/** Exported for the tests that look at plans. */
export const STAMPABLE = `SELECT ${KEY_COLUMNS} FROM tasks WHERE destination = ? AND epoch < ?`;
const INSERT_LEASE = `INSERT INTO leases (holder, epoch, beat, address, destination)
  VALUES (?, ?, ?, ?, ?) ON CONFLICT (destination) DO NOTHING`;
const SWAP_LEASE = `UPDATE leases SET holder = ?, epoch = ?, beat = ?, address = ?
  WHERE destination = ? AND holder = ? AND epoch = ? AND beat = ?`;

/** How a write ended, and what to tell about it. */
export interface Written {
  readonly result: WriteResult;
  readonly change?: TaskChange;
}

const MISSING: Written = { result: 'missing' };
const CONFLICT: Written = { result: 'conflict' };

export interface Writes {
  create(task: NewTask, parts: readonly Part[]): Written;
  write(id: TaskId, guard: WriteGuard, head: TaskHead, parts: readonly Part[]): Written;
  wish(id: TaskId, scope: Scope, wish: Wish): Written;
  inbox(id: TaskId, job: JobId, facts: Inbox): Written;
  stamp(destination: string, epoch: number): number;
  swapLease(from: Lease | undefined, to: Lease): WriteResult;
}

export const createWrites = (statements: Statements): Writes => {
  const rowOf = (id: TaskId): KeyRow | undefined => decodeKeyRow(statements(KEY_ROW).get(id));

  const headOf = ({ n }: KeyRow): TaskHead =>
    decodeHead(textOf(statements('SELECT head FROM heads WHERE n = ?').get(n), 'head'));

  const putParts = (parts: readonly Part[]): void => {
    for (const { task, attempt, kind, index, text } of parts) {
      statements(INSERT_PART).run(task, attempt, kind, index, text);
    }
  };

  const putDebts = (id: TaskId, { debts }: TaskHead): void => {
    for (const destination of new Set(debts.map((debt) => debt.destination))) {
      statements('INSERT INTO debts (id, destination) VALUES (?, ?)').run(id, destination);
    }
  };

  /** Replaces the head where the guard holds; undefined where it does not. */
  const update = (id: TaskId, guard: WriteGuard, head: TaskHead): Written | undefined => {
    const row = decodeKeyRow(
      statements(UPDATE_TASK).get(
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
    statements('UPDATE heads SET head = ? WHERE n = ?').run(JSON.stringify(head), row.n);
    statements('DELETE FROM debts WHERE id = ?').run(id);
    putDebts(id, head);
    const { owner, rev } = row;
    return { result: 'applied', change: { id, owner, state: head.state, rev } };
  };

  return {
    create(task, parts) {
      const { id, owner, head } = task;
      if (rowOf(id) !== undefined) {
        throw new MagnetarError('INTERNAL', `there is a task ${id} already`);
      }
      const { lastRowid: n } = statements('INSERT INTO bodies (name, body) VALUES (?, ?)').run(
        task.name ?? null,
        encodeBody(task),
      );
      statements('INSERT INTO heads (n, head) VALUES (?, ?)').run(n, JSON.stringify(head));
      statements(INSERT_TASK).run(id, n, owner, task.class, task.prio, ...headColumns(head));
      for (const entry of entriesOf(owner, task.keys)) {
        statements('INSERT INTO entries (entry, id) VALUES (?, ?)').run(entry, id);
      }
      statements('INSERT OR IGNORE INTO classes (class, requirements) VALUES (?, ?)').run(
        task.class,
        JSON.stringify(task.requirements),
      );
      putDebts(id, head);
      putParts(parts);
      return { result: 'applied', change: { id, owner, state: head.state, rev: 1 } };
    },

    write(id, guard, head, parts) {
      const written = update(id, guard, head);
      if (written === undefined) return rowOf(id) === undefined ? MISSING : CONFLICT;
      putParts(parts);
      return written;
    },

    wish(id, scope, wish) {
      const row = rowOf(id);
      if (row === undefined || (scope !== 'all' && scope.owner !== row.owner)) return MISSING;
      const head = headOf(row);
      if (isTerminal(head.state) || head.cancel !== undefined) return CONFLICT;
      return update(id, { rev: row.rev }, { ...head, cancel: wish }) ?? CONFLICT;
    },

    inbox(id, job, facts) {
      const row = rowOf(id);
      if (row === undefined) return MISSING;
      const head = headOf(row);
      if (head.run?.job !== job) return CONFLICT;
      const fresh = newFacts(head.run.inbox, facts);
      if (fresh === undefined) return CONFLICT;
      const run = { ...head.run, inbox: { ...head.run.inbox, ...fresh } };
      return update(id, { rev: row.rev }, { ...head, run }) ?? CONFLICT;
    },

    stamp(destination, epoch) {
      const rows = statements(STAMPABLE)
        .all(destination, epoch)
        .flatMap((row) => decodeKeyRow(row) ?? []);
      for (const row of rows) {
        const head = headOf(row);
        if (head.run === undefined) continue;
        update(row.id, { rev: row.rev }, { ...head, run: { ...head.run, epoch } });
      }
      return rows.length;
    },

    swapLease(from, to) {
      const { destination } = to;
      const values = [to.holder, to.epoch, to.beat, to.address, destination] as const;
      const { changes } =
        from === undefined
          ? statements(INSERT_LEASE).run(...values)
          : statements(SWAP_LEASE).run(...values, from.holder, from.epoch, from.beat);
      if (changes > 0) return 'applied';
      const row = statements('SELECT 1 FROM leases WHERE destination = ?').get(destination);
      return row === undefined ? 'missing' : 'conflict';
    },
  };
};
