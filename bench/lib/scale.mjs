/** What a page of a list costs at 100,000 stored tasks against 1,000, per filter, in the SQLite store itself: what HTTP adds is the same for both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, median } from './report.mjs';

const SMALL = 1_000;
const LARGE = 100_000;
const BATCH = 500;
const PAGE = 256;
const ROUNDS = 400;
/** The bound of src/store/sqlite/pages.ts. */
const MOST_EXAMINED = 2_000;

/** At run time, since the built program is there only then. */
const built = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { createIdSource } = await built('kernel/ids.js');
const { createSqliteStore } = await built('store/sqlite/sqlite-store.js');
const { newTaskId, parseOwnerId } = await built('tasks/ids.js');
const { keysOf } = await built('tasks/keys.js');
const { classOf, requirementsOf } = await built('tasks/requirements.js');

const OWNER = parseOwnerId('user:ann');
const CALL = { signal: new AbortController().signal };
const ids = createIdSource(() => Date.now());

/** Every task has a common tag, and one that only every second one has. */
const taskOf = (n) => {
  const name = `bench task ${String(n)}`;
  const tags = { project: 'bench', [n % 2 === 0 ? 'even' : 'odd']: 'yes' };
  const spec = { name, tags, executors: [{ image: 'alpine', command: ['true'] }] };
  const requirements = requirementsOf(spec);
  const now = Date.now();
  const log = [{ seq: 1, attempt: 0, to: 'QUEUED', at: now }];
  return {
    ...{ id: newTaskId(ids), v: 1, owner: OWNER, groups: [], name, keys: keysOf(name, tags) },
    ...{ spec, class: classOf(requirements), requirements, prio: 5, created: now },
    head: { state: 'QUEUED', ready: true, changed: now, attempts: [], log, debts: [] },
  };
};

const fill = async (path, count) => {
  const { store } = createSqliteStore({ path });
  const known = [];
  for (let n = 0; n < count; n += BATCH) {
    const tasks = Array.from({ length: BATCH }, (_, k) => taskOf(n + k));
    await Promise.all(tasks.map((task) => store.create(task, [], CALL)));
    known.push(...tasks.map(({ id }) => id));
  }
  return { store, known };
};

const tag = (key, value) => ({ key, ...(value === undefined ? {} : { value }) });
const SINGLE = {
  none: { tags: [] },
  state: { tags: [], state: 'QUEUED' },
  'one tag': { tags: [tag('project', 'bench')] },
  'one prefix': { tags: [], name_prefix: 'benc' },
};
const COMBINED = {
  'two tags': { tags: [tag('project', 'bench'), tag('even')] },
  'tag and state': { tags: [tag('even', 'yes')], state: 'QUEUED' },
  'tag, state and prefix': {
    tags: [tag('even', 'yes')],
    state: 'QUEUED',
    name_prefix: 'bench task',
  },
};
/** No task has both: the most that a page can have to look at. */
const NOTHING = { tags: [tag('even'), tag('odd')] };

const pageOf = (store, filter, scope = 'all') =>
  store.listSummaries({ scope, filter, limit: PAGE }, CALL);

/** Median milliseconds of a page on each store, taken in turn. */
const timesOf = async (stores, filter, scope) => {
  const times = stores.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [n, store] of stores.entries()) {
      const start = performance.now();
      await pageOf(store, filter, scope);
      times[n].push(performance.now() - start);
    }
  }
  return times.map(median);
};

const rowsOf = async (stores, filters, { scope, whose = '' } = {}) => {
  const rows = [];
  for (const [name, filter] of Object.entries(filters)) {
    for (const store of stores) {
      const { items } = await pageOf(store, filter, scope);
      if (items.length !== PAGE) throw new Error(`${name}: a page of ${String(items.length)}`);
    }
    const [beside, ours] = await timesOf(stores, filter, scope);
    const measure = `page at ${String(LARGE)} against ${String(SMALL)}: ${name}${whose}`;
    rows.push(compare({ measure, ours, beside, unit: 'ms', atMost: 1.3 }));
  }
  return rows;
};

/** Entries between the start of the list and where the page says that the next one goes on. */
const examined = async ({ store, known }) => {
  const { last } = await pageOf(store, NOTHING);
  return known.filter((id, n) => n % 2 === 0 && id >= last).length;
};

export const measureScale = async () => {
  const directory = mkdtempSync(join(tmpdir(), 'magnetar-scale-'));
  const small = await fill(join(directory, 'small.db'), SMALL);
  const large = await fill(join(directory, 'large.db'), LARGE);
  const stores = [small.store, large.store];
  try {
    const ours = await examined(large);
    return [
      ...(await rowsOf(stores, SINGLE)),
      ...(await rowsOf(stores, COMBINED)),
      ...(await rowsOf(stores, SINGLE, { scope: { owner: OWNER }, whose: ', of an owner' })),
      {
        measure: 'entries examined for a page of two tags that no task has both',
        ours,
        unit: '',
        aim: `<= ${String(MOST_EXAMINED)}`,
        met: ours <= MOST_EXAMINED,
      },
    ];
  } finally {
    for (const store of stores) await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
};
