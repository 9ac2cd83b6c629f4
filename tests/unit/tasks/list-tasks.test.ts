/** Pages of BASIC and FULL lists end at a byte budget, over a real SQLite file. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { components } from '../../../src/generated/tes.ts';
import type { TaskFilter } from '../../../src/tasks/filter.ts';
import { newJobId, type TaskId } from '../../../src/tasks/ids.ts';
import type { NewTask, TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';
import { createKnownViews, type KnownViews } from '../../../src/tasks/known-views.ts';
import { listTasks } from '../../../src/tasks/list-tasks.ts';
import type { TaskState } from '../../../src/tasks/states.ts';
import type { Part } from '../../../src/tasks/task.ts';
import type { View } from '../../../src/tasks/views.ts';
import { newTask } from '../../support/tasks.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

type TaskPage = components['schemas']['tesListTasksResponse'];

const MIB = 1024 * 1024;
const options = { signal: new AbortController().signal };

let store: TaskStore;
let basicViews: KnownViews;
/** How many tasks each call for parts named. */
let asked: number[];

beforeEach(() => {
  const opened = createSqliteStore({ path: join(createTempFolder(), 'tasks.db') }).store;
  asked = [];
  basicViews = createKnownViews(MIB);
  store = {
    ...opened,
    parts: (ids, ...rest) => {
      asked.push(ids.length);
      return opened.parts(ids, ...rest);
    },
  };
});
afterEach(() => store.close());

const create = async (count: number, change: (task: NewTask) => NewTask, parts: PartsOf) => {
  for (let n = 0; n < count; n += 1) {
    const task = change(newTask());
    await store.create(task, parts(task), options);
  }
};

type PartsOf = (task: NewTask) => readonly Part[];

const withContent =
  (mib: number) =>
  (task: NewTask): NewTask => ({
    ...task,
    spec: { ...task.spec, inputs: [{ path: '/in', content_bytes: mib * MIB }] },
  });

const content =
  (mib: number): PartsOf =>
  ({ id }) => [{ task: id, attempt: 0, kind: 'content', index: 0, text: 'x'.repeat(mib * MIB) }];

/** A task with one ended executor that wrote this much, of which `kept` was kept. */
const withStream = (task: NewTask): NewTask => ({
  ...task,
  head: {
    ...task.head,
    attempts: [
      {
        ...{ n: 1, destination: 'd', job: newJobId(task.id, 1, 1), start: 1 },
        executors: [
          { i: 0, start: 1, end: 2, exit_code: 0, stdout_bytes: 900 * MIB, stderr_bytes: 0 },
        ],
        ...{ outputs_n: 1, metadata: {} },
      },
    ],
  },
});

const page = async (
  view: View,
  size: number,
  { token, filter = { tags: [] } }: { token?: string; filter?: TaskFilter } = {},
): Promise<TaskPage> => {
  const input = { filter, view, size, ...(token === undefined ? {} : { token }) };
  const deps = { store, basicViews };
  return JSON.parse(await listTasks(deps, { ...input, principal: ANYBODY }, options)) as TaskPage;
};

/** Ids by page. */
const walk = async (view: View, size: number): Promise<readonly (readonly string[])[]> => {
  const pages: (readonly string[])[] = [];
  let token: string | undefined;
  do {
    const { tasks, next_page_token } = await page(view, size, token === undefined ? {} : { token });
    pages.push(tasks.map(({ id }) => id ?? ''));
    token = next_page_token;
  } while (token !== undefined);
  return pages;
};

const sizes = (pages: readonly (readonly string[])[]) => pages.map(({ length }) => length);

describe('listTasks', () => {
  it('ends a FULL page before the task that would make it too long', async () => {
    await create(5, withContent(12), content(12));
    const pages = await walk('FULL', 100);
    expect(sizes(pages)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual((await walk('MINIMAL', 100)).flat());
    expect(asked).not.toContain(5);
  });

  it('answers a task that is too long for any page alone', async () => {
    await create(2, withContent(40), content(40));
    expect(sizes(await walk('FULL', 100))).toEqual([1, 1]);
  });

  it('ends a BASIC page where specs are long', async () => {
    const command = ['x'.repeat(12 * MIB)];
    const long = (task: NewTask): NewTask => ({
      ...task,
      spec: { ...task.spec, executors: [{ image: 'any', command }] },
    });
    await create(3, long, () => []);
    expect(sizes(await walk('BASIC', 100))).toEqual([2, 1]);
  });

  it('fills a page with small tasks, whatever their streams were, from several reads', async () => {
    await create(40, withStream, ({ id }) => [
      { task: id, attempt: 1, kind: 'stdout', index: 0, text: 'kept' },
    ]);
    for (const view of ['FULL', 'BASIC'] as const) {
      expect(sizes(await walk(view, 40))).toEqual([40]);
      expect(sizes(await walk(view, 20))).toEqual([20, 20]);
    }
    const { tasks } = await page('FULL', 1);
    expect(tasks[0]?.logs?.[0]?.logs[0]?.stdout).toBe('kept');
  });

  it('reads the parts of small tasks together', async () => {
    await create(
      20,
      (task) => task,
      () => [],
    );
    await page('FULL', 20);
    expect(asked).toEqual([16, 4]);
  });

  it('goes on where the store has examined enough for one page', async () => {
    await create(
      3,
      (task) => task,
      () => [],
    );
    const { listRevisions } = store;
    store = {
      ...store,
      listRevisions: async (request, call) => {
        const { items } = await listRevisions({ ...request, limit: 2 }, call);
        const last = items.at(-1)?.id;
        return last === undefined ? { items } : { items, last };
      },
    };
    expect(sizes(await walk('FULL', 10))).toEqual([2, 1, 0]);
  });

  const small = (count: number) =>
    create(
      count,
      (task) => task,
      () => [],
    );
  const move = async (id: string, state: TaskState): Promise<void> => {
    const task = await store.get(id as TaskId, 'all', options);
    if (task === undefined) throw new Error('no task');
    await store.write(task.id, { rev: task.rev }, { ...task.head, state, ready: false }, options);
  };

  it('reads again only the tasks of a BASIC page that have changed since', async () => {
    await small(5);
    const before = await page('BASIC', 5);
    const { tasks } = store;
    const read: (readonly TaskId[])[] = [];
    store = {
      ...store,
      tasks: (ids, call) => {
        read.push(ids);
        return tasks(ids, call);
      },
    };
    expect(await page('BASIC', 5)).toEqual(before);
    expect(read).toEqual([]);
    const changed = before.tasks[2]?.id ?? '';
    await move(changed, 'RUNNING');
    const after = await page('BASIC', 5);
    expect(read).toEqual([[changed]]);
    expect(after.tasks.map(({ id }) => id)).toEqual(before.tasks.map(({ id }) => id));
    expect(after.tasks[2]).toEqual({ ...before.tasks[2], state: 'RUNNING' });
  });

  it.each(['BASIC', 'FULL'] as const)(
    'leaves out of a %s page who has left the state asked for while it was read',
    async (view) => {
      await small(3);
      const { listRevisions } = store;
      store = {
        ...store,
        listRevisions: async (request, call) => {
          const found = await listRevisions(request, call);
          await move(found.items[1]?.id ?? '', 'RUNNING');
          return found;
        },
      };
      const all = await walk('MINIMAL', 9);
      const { tasks } = await page(view, 9, { filter: { tags: [], state: 'QUEUED' } });
      expect(tasks.map(({ id }) => id)).toEqual([all[0]?.[0], all[0]?.[2]]);
    },
  );
});
