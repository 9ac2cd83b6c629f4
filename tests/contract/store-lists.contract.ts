/** Contract of a task store's lists: newest first, stable pages, and filters that agree with a model in memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskFilter } from '../../src/tasks/filter.ts';
import { NO_OWNER, parseOwnerId, type TaskId } from '../../src/tasks/ids.ts';
import type {
  ListRequest,
  NewTask,
  Page,
  Scope,
  TaskStore,
} from '../../src/tasks/ports/task-store.ts';
import type { TaskSummary } from '../../src/tasks/task.ts';
import type { TaskState } from '../../src/tasks/states.ts';
import { newTask } from '../support/tasks.ts';
import { CALL, given, range, read, storeFor, type SiteOf } from './store-site.ts';

const ANY: TaskFilter = { tags: [] };

/** All pages, newest first; fails when a page is too long or the end never comes. */
const pagesOf = async (
  store: TaskStore,
  request: Omit<ListRequest, 'before'>,
): Promise<readonly Page<TaskSummary>[]> => {
  const pages: Page<TaskSummary>[] = [];
  let before: TaskId | undefined;
  while (pages.length < 1000) {
    const page = await store.listSummaries(
      before === undefined ? request : { ...request, before },
      CALL,
    );
    expect(page.items.length).toBeLessThanOrEqual(request.limit);
    pages.push(page);
    if (page.last === undefined) return pages;
    before = page.last;
  }
  throw new Error('the list never ended');
};

const idsOf = (pages: readonly Page<TaskSummary>[]): readonly TaskId[] =>
  pages.flatMap(({ items }) => items.map(({ id }) => id));

const walk = async (
  store: TaskStore,
  request: Omit<ListRequest, 'before'>,
): Promise<readonly TaskId[]> => idsOf(await pagesOf(store, request));

const matches = (task: NewTask, scope: Scope, filter: TaskFilter): boolean => {
  const { name, tags = {} } = task.spec;
  return (
    (scope === 'all' ||
      task.owner === scope.owner ||
      task.groups.some((group) => scope.groups?.includes(group))) &&
    (filter.state === undefined || task.head.state === filter.state) &&
    ((filter.name_prefix ?? '') === '' || name?.startsWith(filter.name_prefix ?? '') === true) &&
    filter.tags.every(
      ({ key, value }) => Object.hasOwn(tags, key) && (value === undefined || tags[key] === value),
    )
  );
};

/** Few characters, so that names and tags often collide; those that databases treat specially are among them. */
const text = (maxLength: number) =>
  fc.string({
    unit: fc.constantFrom('a', 'b', '%', '_', '\\', '*', '.', '$', '=', ':', '1', 'é', '😀', ' '),
    maxLength,
  });

const owners = fc.constantFrom(undefined, 'a', 'a:b', '1:a');
const groups = fc.subarray(['g', 'g2', 'a']);
const states = fc.constantFrom<TaskState>('QUEUED', 'RUNNING', 'COMPLETE');
const names = fc.oneof(
  text(4),
  text(60),
  text(3).map((start) => `same-start-${start}`.repeat(4)),
);

const tasks = fc
  .record({
    name: fc.option(names, { nil: undefined }),
    tags: fc.dictionary(text(3), text(3), { maxKeys: 4, noNullPrototype: true }),
    owner: owners,
    groups,
    state: states,
  })
  .map(({ name, tags, owner, groups, state }): NewTask => {
    const spec = { tags, ...(name === undefined ? {} : { name }) };
    const task = newTask({ spec, groups, ...(owner === undefined ? {} : { owner }) });
    return { ...task, head: { ...task.head, state, ready: state === 'QUEUED' } };
  });

/** Parts of what some task has, or anything. */
const filterFor = (known: readonly NewTask[]) => {
  const of = <Value>(values: readonly Value[], other: fc.Arbitrary<Value>) =>
    values.length === 0
      ? other
      : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, other);
  const names = known.flatMap(({ name }) => name ?? []);
  const pairs = known.flatMap(({ spec }) => Object.entries(spec.tags ?? {}));
  return fc.record({
    prefix: fc.option(
      fc
        .tuple(of(names, text(5)), fc.nat(70))
        .map(([name, n]) => Array.from(name).slice(0, n).join('')),
      { nil: undefined },
    ),
    state: fc.option(states, { nil: undefined }),
    tags: fc.array(
      fc
        .tuple(of(pairs, fc.tuple(text(3), text(3))), fc.boolean())
        .map(([[key, value], any]) => (any ? { key } : { key, value })),
      { maxLength: 3 },
    ),
    owner: fc.option(owners, { nil: 'everybody' }),
    groups,
    limit: fc.integer({ min: 1, max: 6 }),
  });
};

export const storeLists = (site: SiteOf): void => {
  const store = () => storeFor(site(), 0);
  const create = async (task: NewTask): Promise<NewTask> => {
    await store().create(task, [], CALL);
    return task;
  };

  describe('lists', () => {
    it('answers newest first, in pages that cover everything once', async () => {
      const made = await Promise.all(range(11).map(() => given(store(), newTask())));
      const newest = made.map(({ id }) => id).reverse();
      for (const limit of [1, 5, 11, 12]) {
        expect(await walk(store(), { scope: 'all', filter: ANY, limit })).toEqual(newest);
      }
      const exact = await store().listSummaries({ scope: 'all', filter: ANY, limit: 11 }, CALL);
      expect(exact.last).toBeUndefined();
    });

    it('answers revisions in the same order, and whole tasks by their ids', async () => {
      const made = await Promise.all(range(4).map(() => given(store(), newTask({ owner: 'me' }))));
      await given(store(), newTask({ owner: 'other' }));
      const scope = { owner: parseOwnerId('me') };
      const page = await store().listRevisions({ scope, filter: ANY, limit: 3 }, CALL);
      expect(page.items).toEqual([3, 2, 1].map((n) => ({ id: made[n]?.id, rev: 1 })));
      expect(page.last).toBe(made[1]?.id);
      const [first, second] = page.items.map(({ id }) => id);
      if (first === undefined || second === undefined) throw new Error('the page is too short');
      const tasks = await store().tasks([second, newTask().id, first], CALL);
      expect(tasks).toHaveLength(2);
      expect(tasks).toEqual(expect.arrayContaining([made[3], made[2]]));
      expect(await store().tasks([], CALL)).toEqual([]);
    });

    it('counts the revision up with every write', async () => {
      const task = await given(store(), newTask());
      await store().write(task.id, { rev: 1 }, { ...task.head, state: 'RUNNING' }, CALL);
      await store().wish(task.id, 'all', { at: 1, by: NO_OWNER, reason: 'asked' }, CALL);
      const { items } = await store().listRevisions({ scope: 'all', filter: ANY, limit: 1 }, CALL);
      expect(items).toEqual([{ id: task.id, rev: 3 }]);
    });

    it('shows what groups share among what one owns, each task once', async () => {
      const wishes = [
        { owner: 'me' },
        { owner: 'other', groups: ['lab'] },
        { owner: 'me', groups: ['lab', 'team'] },
        { owner: 'other' },
        { owner: 'other', groups: ['lab', 'team'] },
        { owner: 'third', groups: ['x'] },
      ];
      const made: NewTask[] = [];
      for (const wish of wishes) made.push(await create(newTask(wish)));
      const scope = { owner: parseOwnerId('me'), groups: ['lab', 'team'] };
      for (const limit of [1, 2, 4, 9]) {
        expect(await walk(store(), { scope, filter: ANY, limit })).toEqual(
          [4, 2, 1, 0].map((n) => made[n]?.id),
        );
      }
    });

    it('neither repeats nor loses a task while others are created and change', async () => {
      const old = await Promise.all(range(20).map(() => given(store(), newTask())));
      const found: TaskId[] = [];
      let before: TaskId | undefined;
      do {
        const at = before === undefined ? {} : { before };
        const request = { scope: 'all', filter: ANY, limit: 3, ...at } as const;
        const page = await store().listRevisions(request, CALL);
        found.push(...page.items.map(({ id }) => id));
        before = page.last;
        await given(storeFor(site(), 1), newTask());
        const target = old[found.length % old.length];
        if (target !== undefined) {
          const { rev, head } = await read(store(), target.id);
          const moved = { ...head, state: 'RUNNING', ready: false } as const;
          await store().write(target.id, { rev }, moved, CALL);
        }
      } while (before !== undefined);
      expect(found).toEqual(old.map(({ id }) => id).reverse());
    });

    it('finds a task under its new state at once, and no longer under the old one', async () => {
      const task = await given(store(), newTask({ owner: 'me', spec: { tags: { k: 'v' } } }));
      const head = { ...task.head, state: 'RUNNING', ready: false } as const;
      await store().write(task.id, { rev: 1 }, head, CALL);
      const tags = [{ key: 'k', value: 'v' }];
      for (const scope of ['all', { owner: task.owner }] as const) {
        for (const filter of [ANY, { tags }]) {
          const list = (state: TaskState) =>
            walk(store(), { scope, filter: { ...filter, state }, limit: 5 });
          expect(await list('RUNNING')).toEqual([task.id]);
          expect(await list('QUEUED')).toEqual([]);
        }
      }
    });

    it('tells tags apart whose keys and values contain the separator', async () => {
      const one = await given(store(), newTask({ spec: { tags: { a: 'b=c' } } }));
      const two = await given(store(), newTask({ spec: { tags: { 'a=b': 'c' } } }));
      const list = (key: string, value: string) =>
        walk(store(), { scope: 'all', filter: { tags: [{ key, value }] }, limit: 5 });
      expect(await list('a', 'b=c')).toEqual([one.id]);
      expect(await list('a=b', 'c')).toEqual([two.id]);
    });

    it('finds tags and names of any length', async () => {
      const long = 'x'.repeat(5000);
      const task = await given(store(), newTask({ spec: { name: long, tags: { [long]: long } } }));
      await given(store(), newTask({ spec: { name: `${long}y`, tags: { [long]: `${long}y` } } }));
      const pair = { tags: [{ key: long, value: long }] };
      expect(await walk(store(), { scope: 'all', filter: pair, limit: 5 })).toEqual([task.id]);
      const name = { tags: [], name_prefix: `${long}y` };
      expect(await walk(store(), { scope: 'all', filter: name, limit: 5 })).toHaveLength(1);
    });

    it(
      'examines a bounded number of entries where several conditions must hold, and goes on from there',
      { timeout: 180_000 },
      async () => {
        const [many, examined, few] = [2300, 2000, 300];
        const tasks = range(many).map((n) => {
          const name = n % 75 === 0 && n < few ? 'same-wanted' : 'same-other';
          const tags = { all: '', ...(n < few ? { few: '' } : {}) };
          const task = newTask({ owner: 'me', groups: ['lab'], spec: { name, tags } });
          const state = n < few ? 'RUNNING' : 'QUEUED';
          return { ...task, head: { ...task.head, state, ready: state === 'QUEUED' } } as const;
        });
        await site().fill(tasks);
        const cases: readonly (readonly [Scope, TaskFilter])[] = [
          ['all', { tags: [], name_prefix: 'same-w' }],
          [{ owner: parseOwnerId('me') }, { tags: [{ key: 'all' }, { key: 'few' }] }],
          [
            { owner: parseOwnerId('other'), groups: ['lab'] },
            { tags: [{ key: 'all' }], state: 'RUNNING' },
          ],
        ];
        for (const [scope, filter] of cases) {
          const pages = await pagesOf(store(), { scope, filter, limit: 256 });
          expect(pages[0]).toEqual({ items: [], last: tasks[many - examined]?.id });
          const wanted = tasks.filter((task) => matches(task, scope, filter));
          expect(idsOf(pages)).toEqual(wanted.map(({ id }) => id).reverse());
        }
      },
    );

    it(
      'agrees with a model in memory for any names, tags, states, owners and filters',
      { timeout: 180_000 },
      async () => {
        const known: NewTask[] = [];
        const round = fc.array(tasks, { minLength: 1, maxLength: 6 });
        await fc.assert(
          fc.asyncProperty(round, fc.infiniteStream(fc.nat()), async (more, seeds) => {
            for (const task of more) await store().create({ ...task, id: newTask().id }, [], CALL);
            const page = await store().listRevisions(
              { scope: 'all', filter: ANY, limit: more.length },
              CALL,
            );
            known.push(
              ...more.map((task, n) => ({ ...task, id: page.items.at(-1 - n)?.id ?? task.id })),
            );
            for (const seed of [...seeds.take(6)]) {
              const [wish] = fc.sample(filterFor(known), { numRuns: 1, seed });
              if (wish === undefined) continue;
              const filter: TaskFilter = {
                tags: wish.tags,
                ...(wish.prefix === undefined ? {} : { name_prefix: wish.prefix }),
                ...(wish.state === undefined ? {} : { state: wish.state }),
              };
              const scope: Scope =
                wish.owner === 'everybody'
                  ? 'all'
                  : {
                      owner: wish.owner === undefined ? NO_OWNER : parseOwnerId(wish.owner),
                      groups: wish.groups,
                    };
              const wanted = known
                .filter((task) => matches(task, scope, filter))
                .map(({ id }) => id);
              const found = await walk(store(), { scope, filter, limit: wish.limit });
              expect(found, JSON.stringify({ scope, filter })).toEqual(wanted.reverse());
            }
          }),
          { numRuns: 25, endOnFailure: true },
        );
      },
    );
  });
};
