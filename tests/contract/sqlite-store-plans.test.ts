/** Shows the plan that SQLite makes of each query: the wanted index, no scan of a table, no sorting. */
import Database from 'better-sqlite3';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIND_KEY, PRUNE_KEYS } from '../../src/store/sqlite/once.ts';
import { openDatabase, type OpenedDatabase } from '../../src/store/sqlite/open.ts';
import { REVISIONS, SUMMARIES, readPage, type Query } from '../../src/store/sqlite/pages.ts';
import { DESTINATIONS, OWNED, TASK_QUERIES } from '../../src/store/sqlite/reads.ts';
import { createStatements } from '../../src/store/sqlite/statements.ts';
import { scopeCondition } from '../../src/store/sqlite/visible.ts';
import { HAS_PLACE, STAMPABLE, WIPE_SECRETS } from '../../src/store/sqlite/writes.ts';
import type { TaskFilter } from '../../src/tasks/filter.ts';
import { NO_OWNER, parseOwnerId } from '../../src/tasks/ids.ts';
import type { Scope } from '../../src/tasks/ports/task-store.ts';

let folder = '';
let opened: OpenedDatabase | undefined;
let plans: InstanceType<typeof Database> | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-plans-'));
  opened = openDatabase(join(folder, 'tasks.db'));
  plans = new Database(join(folder, 'tasks.db'), { readonly: true });
});
afterAll(async () => {
  plans?.close();
  opened?.close();
  await rm(folder, { recursive: true });
});

/** The steps of a plan, as SQLite words them. */
const planOf = (sql: string, values: readonly unknown[]): readonly string[] =>
  (plans?.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) ?? []).map((row) =>
    typeof row === 'object' && row !== null && 'detail' in row ? String(row.detail) : '',
  );

const listPlans = (
  what: 'summaries' | 'revisions',
  scope: Scope,
  filter: TaskFilter,
): readonly (readonly string[])[] => {
  const request = { scope, filter, limit: 9 };
  if (opened === undefined) throw new Error('nothing is open');
  const statements = createStatements(opened.driver);
  const queries: Query[] = [];
  const watch = (query: Query) => queries.push(query);
  if (what === 'summaries') readPage(statements, request, SUMMARIES, watch);
  else readPage(statements, request, REVISIONS, watch);
  return queries.map(({ sql, values }) => planOf(sql, values));
};

const ME = { owner: parseOwnerId('me') };
const TAG = { key: 'k', value: 'v' };
const PRIMARY = 'USING PRIMARY KEY';
const COVERED = 'COVERING INDEX';

/** Which index must drive the page. */
const LISTS: readonly (readonly [string, Scope, TaskFilter, string])[] = [
  ['all tasks', 'all', { tags: [] }, `SEARCH t ${PRIMARY} (id>? AND id<?)`],
  [
    'tasks of an owner',
    ME,
    { tags: [] },
    'SEARCH t USING INDEX tasks_owner (owner=? AND id>? AND id<?)',
  ],
  ['tasks without owner', { owner: NO_OWNER }, { tags: [] }, `SEARCH t ${PRIMARY} (id>? AND id<?)`],
  [
    'a state',
    'all',
    { tags: [], state: 'RUNNING' },
    `SEARCH t USING ${COVERED} tasks_state (state=? AND id>? AND id<?)`,
  ],
  [
    'a state of an owner',
    ME,
    { tags: [], state: 'RUNNING' },
    `SEARCH t USING ${COVERED} tasks_owner_state (owner=? AND state=? AND id>? AND id<?)`,
  ],
  ['a tag', 'all', { tags: [TAG] }, `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`],
  ['a tag of an owner', ME, { tags: [TAG] }, `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`],
  [
    'an indexed prefix',
    ME,
    { tags: [], name_prefix: 'name' },
    `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`,
  ],
  [
    'another prefix',
    'all',
    { tags: [], name_prefix: 'names' },
    `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`,
  ],
  [
    'two tags',
    ME,
    { tags: [TAG, { key: 'x' }] },
    `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`,
  ],
  [
    'everything',
    ME,
    { tags: [TAG, { key: 'x' }], name_prefix: 'names', state: 'QUEUED' },
    `SEARCH e ${PRIMARY} (entry=? AND id>? AND id<?)`,
  ],
];

const expectLookUps = (steps: readonly string[]): void => {
  for (const step of steps) {
    expect(step).not.toMatch(/TEMP B-TREE/);
    // the bounded count reads its own bounded result
    if (!step.includes('(subquery-')) expect(step).not.toMatch(/^SCAN (?!json_each|\w+ VIRTUAL)/);
  }
};

describe('query plans', () => {
  it.each(LISTS)('looks up %s in order', (_, scope, filter, wanted) => {
    const summaries = listPlans('summaries', scope, filter);
    summaries.forEach(expectLookUps);
    expect(summaries.at(-1)).toContain(wanted);
    const revisions = listPlans('revisions', scope, filter);
    revisions.forEach(expectLookUps);
    expect(revisions.at(-1)).toContain(wanted.replace(COVERED, 'INDEX'));
  });

  const TASKS: readonly (readonly [string, string, readonly unknown[], string])[] = [
    ['one task', TASK_QUERIES.one, ['id'], `SEARCH t ${PRIMARY} (id=?)`],
    ['a summary', TASK_QUERIES.summary, ['id'], `SEARCH t ${PRIMARY} (id=?)`],
    [
      'candidates',
      TASK_QUERIES.candidates,
      ['c', 'o', 9],
      'SEARCH t USING INDEX tasks_ready (class=? AND owner=?)',
    ],
    [
      'running tasks of an owner',
      TASK_QUERIES.running,
      ['o'],
      'SEARCH t USING INDEX tasks_owner_state (owner=? AND state=?)',
    ],
    [
      'running tasks of nobody',
      TASK_QUERIES.runningUnowned,
      [],
      'SEARCH t USING INDEX tasks_state (state=?)',
    ],
    [
      'active tasks',
      TASK_QUERIES.active,
      ['d'],
      `SEARCH t USING ${COVERED} tasks_active (destination=?)`,
    ],
    [
      'debts',
      TASK_QUERIES.debts,
      ['d'],
      `SEARCH d USING ${COVERED} debts_destination (destination=?)`,
    ],
    [
      'tasks to stamp',
      STAMPABLE,
      ['d', 2],
      'SEARCH tasks USING INDEX tasks_active (destination=? AND epoch<?)',
    ],
  ];
  it.each(TASKS)('looks up %s', (_, sql, values, wanted) => {
    const steps = planOf(sql, values);
    expectLookUps(steps);
    expect(steps[0]).toBe(wanted);
  });

  it('finds the secrets of a task among its parts', () => {
    expect(planOf(WIPE_SECRETS, ['t'])).toEqual([
      'SEARCH parts USING INDEX sqlite_autoindex_parts_1 (task=?)',
    ]);
  });

  it('finds a key, and those that have expired, by their indexes', () => {
    expect(planOf(FIND_KEY, ['k', 1])).toEqual([`SEARCH idempotency ${PRIMARY} (key=?)`]);
    const prune = planOf(PRUNE_KEYS, [1]).join('\n');
    expect(prune).toContain(`SEARCH idempotency ${PRIMARY} (key=?)`);
    expect(prune).toContain(`SEARCH idempotency USING ${COVERED} idempotency_until (until<?)`);
    expect(prune).not.toMatch(/SCAN idempotency|TEMP B-TREE/);
  });

  it('finds what groups share by their entries, for one task and for lists', () => {
    const scope = { owner: parseOwnerId('me'), groups: ['lab', 'team'] };
    const { sql, values } = scopeCondition(scope);
    for (const query of [TASK_QUERIES.one, TASK_QUERIES.summary]) {
      const steps = planOf(query + sql, ['id', ...values]);
      expectLookUps(steps);
      expect(steps[0]).toBe(`SEARCH t ${PRIMARY} (id=?)`);
      expect(steps).toContain(`SEARCH x ${PRIMARY} (entry=? AND id=?)`);
    }
    for (const [, , filter] of LISTS) {
      for (const what of ['summaries', 'revisions'] as const) {
        const plans = listPlans(what, scope, filter);
        plans.forEach(expectLookUps);
        const driven = plans.flat().filter((step) => /^SEARCH [et] .*id>\? AND id<\?/.test(step));
        expect(driven.length).toBeGreaterThanOrEqual(3); // the owner's and one for each group
      }
    }
  });

  it('finds whether there is a place for a task by two keys', () => {
    const steps = planOf(HAS_PLACE, ['t', 1]);
    expectLookUps(steps);
    expect(steps).toContain(`SEARCH t ${PRIMARY} (id=?)`);
    expect(steps).toContain(`SEARCH o ${PRIMARY} (owner=? AND state=?)`);
  });

  it('looks up each of the candidates that are asked for', () => {
    const steps = planOf(TASK_QUERIES.among, ['[]', 'c', 'o', 9]);
    expect(steps.slice(0, 2)).toEqual([
      'SCAN j VIRTUAL TABLE INDEX 1:',
      `SEARCH t ${PRIMARY} (id=?)`,
    ]);
  });

  it('counts the tasks of an owner in as many rows as there are states', () => {
    expect(planOf(OWNED, ['me'])).toEqual([`SEARCH owned ${PRIMARY} (owner=?)`]);
  });

  it('reads the names of destinations from their indexes alone', () => {
    const reads = planOf(DESTINATIONS, []).filter((step) => /^(SCAN|SEARCH) /.test(step));
    expect(reads).toEqual([
      expect.stringContaining(`${COVERED} tasks_active`),
      expect.stringContaining(`${COVERED} debts_destination`),
    ]);
  });

  it('reads neither bodies nor heads for summaries', () => {
    for (const [, scope, filter] of LISTS.slice(0, 8)) {
      expect(listPlans('summaries', scope, filter).flat().join(' ')).not.toMatch(
        /\b(bodies|heads|SEARCH [bh]) /,
      );
    }
  });
});
