/** T60-T68: lists and their pages. */
import { check, holds, type Check } from '../check.ts';
import { assertShape, family, FAMILY_SIZE, settled, walkPages } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { at, isSame, listOf, textAt } from '../json.ts';
import { inParallel, type Lab, type Query } from '../lab.ts';
import {
  assertJson,
  assertStatus,
  assertThat,
  choice,
  pass,
  Skipped,
  weigh,
  worst,
} from '../verdict.ts';
import { assertBasic, assertMinimal } from './views.ts';

const tasksIn = ({ json }: Answer): readonly unknown[] => listOf(at(json, 'tasks'));

const listGood = async (lab: Lab, query: Query): Promise<Answer> => {
  const answer = await lab.list(query);
  assertStatus(answer, 200);
  return answer;
};

/** Fails unless the ids are just these, each once, in any order. */
export const assertSameIds = (
  found: readonly string[],
  wanted: readonly string[],
  answer?: Answer,
): void => {
  const missing = wanted.filter((id) => !found.includes(id));
  assertThat(missing.length === 0, `${String(missing.length)} tasks are missing`, answer);
  const twice = found.filter((id, index) => found.indexOf(id) !== index);
  assertThat(twice.length === 0, `${String(twice.length)} tasks come twice`, answer);
  const foreign = found.filter((id) => !wanted.includes(id));
  assertThat(foreign.length === 0, `${String(foreign.length)} tasks do not match`, answer);
};

const DEFAULT_SIZE = 256;

/** T62: as many tasks of this run as a page holds by default, and one more. */
const fillPage = async (lab: Lab): Promise<void> => {
  const count = DEFAULT_SIZE + 1;
  if (lab.made().length + count > lab.options.maxTasks) {
    throw new Skipped(`needs more tasks than --max-tasks ${String(lab.options.maxTasks)} allows`);
  }
  const names = Array.from({ length: count }, (_, n) => `page-${String(n)}`);
  await inParallel(names, async (name) => {
    await lab.cancel(await lab.create(lab.task(name)));
  });
};

const SIZES: readonly (readonly [size: string, status: number])[] = [
  ['0', 400],
  ['-1', 400],
  ['2048', 400],
  ['abc', 400],
  ['2047', 200],
];

const LISTS: readonly Check[] = [
  check(
    'T60',
    'S',
    'a list has tasks with id and state, also when it is empty',
    holds(async (lab) => {
      await family(lab);
      const answer = await listGood(lab, [['page_size', '20']]);
      assertJson(answer);
      assertShape(lab, answer, 'minimalList');
      for (const task of tasksIn(answer)) assertMinimal(task, answer);
      const empty = await listGood(lab, [['tag_key', `nobody-${lab.options.runId}`]]);
      assertThat(isSame(at(empty.json, 'tasks'), []), 'an empty list is not "tasks": []', empty);
    }),
  ),
  check(
    'T61',
    'C',
    'the views BASIC and FULL apply to each task of a list',
    holds(async (lab) => {
      const { filter } = await family(lab);
      for (const view of ['BASIC', 'FULL']) {
        const answer = await listGood(lab, [...filter, ['view', view]]);
        assertThat(tasksIn(answer).length > 0, 'the list is empty', answer);
        assertShape(lab, answer, 'taskList');
        for (const task of tasksIn(answer)) {
          assertThat(Array.isArray(at(task, 'logs')), `a ${view} task has no logs`, answer);
          if (view === 'BASIC') assertBasic(task, answer);
        }
      }
    }),
  ),
  check(
    'T62',
    'S',
    'a page holds at most 256 tasks by default, and has a token when there are more',
    holds(async (lab) => {
      const full = await listGood(lab, []);
      const isFull = tasksIn(full).length >= DEFAULT_SIZE;
      if (!isFull) await fillPage(lab);
      const answer = isFull ? full : await listGood(lab, []);
      const count = tasksIn(answer).length;
      assertThat(count <= DEFAULT_SIZE, `a page holds ${String(count)}`, answer);
      assertThat(textAt(answer.json, 'next_page_token') !== '', 'no token for the rest', answer);
    }),
  ),
  check(
    'T63',
    'S',
    'page_size 1 and 2 give 1 and 2 tasks',
    holds(async (lab) => {
      const { filter } = await family(lab);
      for (const size of [1, 2]) {
        const answer = await listGood(lab, [...filter, ['page_size', String(size)]]);
        const count = tasksIn(answer).length;
        assertThat(count === size, `page_size ${String(size)} gives ${String(count)}`, answer);
      }
    }),
  ),
  check('T64', 'I', 'page_size outside 1 to 2047 is 400', async (lab) => {
    const answers = await Promise.all(
      SIZES.map(async ([size, status]) =>
        weigh(await lab.list([['page_size', size]]), status, `page_size ${size}`),
      ),
    );
    return worst(answers);
  }),
];

const PAGES: readonly Check[] = [
  check(
    'T65',
    'S',
    'the tokens lead to each task once, and end',
    holds(async (lab) => {
      const { ids, filter } = await family(lab);
      for (const size of [1, 2, FAMILY_SIZE]) {
        const walk = await walkPages(lab, [...filter, ['page_size', String(size)]]);
        assertSameIds(walk.ids, ids, walk.pages.at(-1));
        const long = walk.pages.find((page) => tasksIn(page).length > size);
        assertThat(long === undefined, 'a page is longer than page_size', long);
      }
    }),
  ),
  check(
    'T66',
    'I',
    'new tasks between two pages change nothing for the older ones',
    async (lab) => {
      const key = `insert-${lab.options.runId}`;
      const tags = { [key]: 'yes' };
      const ids: string[] = [];
      for (let n = 0; n < 3; n += 1) ids.push(await settled(lab, 'older', { tags }));
      const insert = async () => {
        if (lab.made().length - ids.length < lab.options.maxTasks)
          await settled(lab, 'newer', { tags });
      };
      const walk = await walkPages(
        lab,
        [
          ['tag_key', key],
          ['page_size', '1'],
        ],
        insert,
      );
      const older = walk.ids.filter((id) => ids.includes(id));
      const skipped = ids.filter((id) => !older.includes(id));
      if (skipped.length > 0) return choice(`${String(skipped.length)} older tasks are skipped`);
      return older.length === ids.length ? pass() : choice('older tasks come twice');
    },
  ),
  check('T67', 'I', 'lists are newest first, in the same order each time', async (lab) => {
    const { ids, filter } = await family(lab);
    const [first, second] = [await walkPages(lab, filter), await walkPages(lab, filter)];
    assertThat(isSame(first.ids, second.ids), 'two equal lists have another order');
    return isSame(first.ids, ids.toReversed()) ? pass() : choice('the list is not newest first');
  }),
  check('T68', 'I', 'a token of nobody or of another filter is 400', async (lab) => {
    const { filter } = await family(lab);
    const garbage = await lab.list([['page_token', 'conformance garbage ü']]);
    const page = await listGood(lab, [...filter, ['page_size', '1']]);
    const token = textAt(page.json, 'next_page_token');
    assertThat(token !== '', 'no token although there are more tasks', page);
    const other = await lab.list([
      ['name_prefix', 'another'],
      ['page_token', token],
    ]);
    return worst([weigh(garbage, 400, 'garbage'), weigh(other, 400, 'a token of another filter')]);
  }),
];

export const LIST_CHECKS: readonly Check[] = [...LISTS, ...PAGES];
