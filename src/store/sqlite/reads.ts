/** The calls that only read; each is a few index look-ups. */
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { Places, Scope, TaskStore } from '../../tasks/ports/task-store.ts';
import { NO_OWNER, type OwnerId, type TaskId } from '../../tasks/ids.ts';
import type { PartKind, Task } from '../../tasks/task.ts';
import { RUNNING_STATES, usageOf } from '../usage.ts';
import type { SqlValue } from './driver.ts';
import { earlierOf } from './once.ts';
import { REVISIONS, SUMMARIES, readPage } from './pages.ts';
import {
  TASK_COLUMN,
  TASK_JOINS,
  decodeDebts,
  decodeId,
  decodeLease,
  decodePart,
  decodeStateCount,
  decodeSummary,
  decodeTask,
  decodeWaiting,
  isReady,
  textOf,
} from './rows.ts';
import type { Statements } from './statements.ts';
import { scopeCondition } from './visible.ts';

const RUNNING = RUNNING_STATES.map((state) => `'${state}'`).join();

/** Every task query of the store that is not a list. */
export const TASK_QUERIES = {
  one: `SELECT ${TASK_COLUMN} FROM tasks t ${TASK_JOINS} WHERE t.id = ?`,
  some: `SELECT ${TASK_COLUMN} FROM tasks t ${TASK_JOINS}
    WHERE t.id IN (SELECT value FROM json_each(?))`,
  candidates: `SELECT ${TASK_COLUMN} FROM tasks t ${TASK_JOINS}
    WHERE t.ready = 1 AND t.class = ? AND t.owner = ? ORDER BY t.prio DESC, t.id LIMIT ?`,
  among: `SELECT ${TASK_COLUMN} FROM json_each(?) j CROSS JOIN tasks t ON t.id = j.value ${TASK_JOINS}
    WHERE +t.ready = 1 AND +t.class = ? AND +t.owner = ? ORDER BY t.prio DESC, t.id LIMIT ?`,
  running: `SELECT t.id, t.ready FROM tasks t
    WHERE t.owner = ? AND t.owner <> '' AND t.state IN (${RUNNING})`,
  /** Without access control the indexes by owner are empty. */
  runningUnowned: `SELECT t.id, t.ready FROM tasks t WHERE t.state IN (${RUNNING}) AND t.owner = ''`,
  active: 'SELECT t.id FROM tasks t WHERE t.destination = ?',
  debts: `SELECT t.id, json_extract(h.head, '$.debts') AS debts
    FROM debts d CROSS JOIN tasks t ON t.id = d.id CROSS JOIN heads h ON h.n = t.n
    WHERE d.destination = ?`,
  summary: 'SELECT t.id, t.state FROM tasks t WHERE t.id = ?',
} as const;

/** Reads two indexes that hold no more than what runs and what is owed. */
export const DESTINATIONS = `SELECT destination FROM tasks WHERE destination IS NOT NULL
  UNION SELECT destination FROM debts ORDER BY destination`;

const PARTS = `SELECT task, attempt, kind, i AS "index", text FROM parts
  WHERE task = ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY attempt, kind, i`;
const WAITING = `SELECT w.class, w.owner, c.requirements
  FROM waiting w CROSS JOIN classes c ON c.class = w.class`;
/** One row for each state. */
export const OWNED = 'SELECT state, count FROM owned WHERE owner = ?';
const LEASES = 'SELECT destination, holder, epoch, beat, address, capacity FROM leases';
const LEASE = `${LEASES} WHERE destination = ?`;

type Reads = Pick<
  TaskStore,
  | 'summary'
  | 'usage'
  | 'creation'
  | 'get'
  | 'parts'
  | 'listSummaries'
  | 'listRevisions'
  | 'tasks'
  | 'waiting'
  | 'places'
  | 'candidates'
  | 'active'
  | 'debts'
  | 'destinationsInUse'
  | 'lease'
  | 'leases'
  | 'ping'
>;

/** The same calls without options and promises: the database is in this process. */
type Sync<Calls> = {
  readonly [Name in keyof Calls]: Calls[Name] extends (
    ...args: [...infer Args, CallOptions]
  ) => Promise<infer Result>
    ? (...args: Args) => Result
    : never;
};

export const createReads = (statements: Statements): Sync<Reads> => {
  const tasks = (sql: string, ...values: readonly SqlValue[]): readonly Task[] =>
    statements(sql)
      .all(...values)
      .map(decodeTask);

  const one = (sql: string, id: TaskId, scope: Scope): unknown => {
    const condition = scopeCondition(scope);
    return statements(sql + condition.sql).get(id, ...condition.values);
  };

  const placesOf = (owner: OwnerId, most: number): Places => {
    const rows =
      owner === NO_OWNER
        ? statements(TASK_QUERIES.runningUnowned).all()
        : statements(TASK_QUERIES.running).all(owner);
    const held = rows.filter(isReady).map(decodeId);
    return { free: Math.max(0, most - rows.length), held: new Set(held) };
  };

  const partsOf = (id: TaskId, kinds: readonly PartKind[]) =>
    statements(PARTS).all(id, JSON.stringify(kinds)).map(decodePart);

  return {
    summary(id, scope) {
      const row = one(TASK_QUERIES.summary, id, scope);
      return row === undefined ? undefined : decodeSummary(row);
    },
    get(id, scope) {
      const row = one(TASK_QUERIES.one, id, scope);
      return row === undefined ? undefined : decodeTask(row);
    },
    parts: (ids, kinds) => [...new Set(ids)].sort().flatMap((id) => partsOf(id, kinds)),
    listSummaries: (request) => readPage(statements, request, SUMMARIES),
    listRevisions: (request) => readPage(statements, request, REVISIONS),
    tasks: (ids) => tasks(TASK_QUERIES.some, JSON.stringify(ids)),
    usage: (owner: OwnerId) => usageOf(statements(OWNED).all(owner).map(decodeStateCount)),
    creation: (once) => earlierOf(statements, once),
    waiting: () => statements(WAITING).all().map(decodeWaiting),
    places: (owners, most) => new Map(owners.map((owner) => [owner, placesOf(owner, most)])),
    candidates: ({ class: id, owner, limit, among }) =>
      among === undefined
        ? tasks(TASK_QUERIES.candidates, id, owner, limit)
        : tasks(TASK_QUERIES.among, JSON.stringify([...among]), id, owner, limit),
    active: (destination) => statements(TASK_QUERIES.active).all(destination).map(decodeId),
    debts: (destination) =>
      statements(TASK_QUERIES.debts)
        .all(destination)
        .flatMap(decodeDebts)
        .filter(({ debt }) => debt.destination === destination),
    destinationsInUse: () =>
      statements(DESTINATIONS)
        .all()
        .map((row) => textOf(row, 'destination')),
    lease(destination) {
      const row = statements(LEASE).get(destination);
      return row === undefined ? undefined : decodeLease(row);
    },
    leases: () => statements(`${LEASES} ORDER BY destination`).all().map(decodeLease),
    ping() {
      statements('SELECT 1 FROM meta LIMIT 1').get();
    },
  };
};
