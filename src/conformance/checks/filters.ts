/** T69-T78: the filters of a list. */
import { check, holds, type Check } from '../check.ts';
import { family, settled, walkPages } from '../fixtures.ts';
import { at, listOf, textAt } from '../json.ts';
import type { Lab, Query } from '../lab.ts';
import { assertStatus, assertThat, weigh, worst } from '../verdict.ts';
import { assertSameIds } from './lists.ts';

/** Fails unless the list has just the members of the family with these numbers. */
const assertMembers = async (lab: Lab, query: Query, members: readonly number[]): Promise<void> => {
  const { ids } = await family(lab);
  const walk = await walkPages(lab, query);
  const wanted = ids.filter((_, index) => members.includes(index));
  assertSameIds(walk.ids, wanted, walk.pages.at(-1));
};

/** Builds a query of the keys and values of the family: `a`, `b=2`, `c=`. */
const pairs = (key: (letter: string) => string, ...tags: readonly string[]): Query =>
  tags.flatMap((tag) => {
    const [letter = '', value] = tag.split('=');
    const first = ['tag_key', key(letter)] as const;
    return value === undefined ? [first] : [first, ['tag_value', value] as const];
  });

const ODD_NAME = 'n.a*b%c_d\\e';
const PLAIN_NAME = 'nXaXbXcXdXe';

/** Ends of a prefix, and whether the odd name starts so; the plain one never does. */
const PREFIXES: readonly (readonly [end: string, matches: boolean])[] = [
  ['n.', true],
  ['n.a*', true],
  ['n.a*b%', true],
  ['n.a*b%c_', true],
  ['n.a*b%c_d\\', true],
  [ODD_NAME, true],
  ['N.', false],
  ['*', false],
  ['%', false],
  ['_', false],
  ['.', false],
];

const names = (lab: Lab): Promise<readonly [odd: string, plain: string]> =>
  lab.once('names', async () => [await settled(lab, ODD_NAME), await settled(lab, PLAIN_NAME)]);

const stateOf = async (lab: Lab, id: string): Promise<string> => {
  const answer = await lab.get(id);
  assertStatus(answer, 200);
  return textAt(answer.json, 'state');
};

const TAGS: readonly (readonly [
  id: string,
  mark: 'S' | 'C',
  title: string,
  queries: readonly (readonly [tags: readonly string[], members: readonly number[]])[],
])[] = [
  ['T71', 'S', 'one tag matches tasks with more tags', [[['a=1'], [0, 1, 2]]]],
  [
    'T72',
    'S',
    'two tags must both match',
    [
      [['a=1', 'b=2'], [1]],
      [['a=1', 'b=9'], []],
    ],
  ],
  [
    'T73',
    'S',
    'a key without value matches any value, also the empty one',
    [
      [['a'], [0, 1, 2, 3]],
      [['a='], [0, 1, 2, 3]],
    ],
  ],
  [
    'T74',
    'S',
    'a key that a task lacks does not match',
    [
      [['b'], [1, 2]],
      [['b='], [1, 2]],
    ],
  ],
];

const tagCheck = ([id, mark, title, queries]: (typeof TAGS)[number]): Check =>
  check(
    id,
    mark,
    title,
    holds(async (lab) => {
      const { key } = await family(lab);
      for (const [tags, members] of queries) {
        await assertMembers(lab, pairs(key, ...tags), members);
      }
    }),
  );

export const FILTER_CHECKS: readonly Check[] = [
  check(
    'T69',
    'S',
    'name_prefix is literal, has case, and is no suffix',
    holds(async (lab) => {
      const [odd, plain] = await names(lab);
      for (const [end, matches] of PREFIXES) {
        const walk = await walkPages(lab, [['name_prefix', `${lab.prefix}${end}`]]);
        assertSameIds(walk.ids, matches ? [odd] : [], walk.pages.at(-1));
      }
      const both = await walkPages(lab, [['name_prefix', `${lab.prefix}n`]]);
      const found = both.ids.filter((id) => id === odd || id === plain);
      assertSameIds(found, [odd, plain], both.pages.at(-1));
      const suffix = await walkPages(lab, [['name_prefix', `${lab.options.runId}-${ODD_NAME}`]]);
      assertSameIds(suffix.ids, [], suffix.pages.at(-1));
    }),
  ),
  check(
    'T70',
    'S',
    'state filters, an unknown state is 400, no state means all',
    holds(async (lab) => {
      const { ids, filter } = await family(lab);
      await assertMembers(lab, filter, [...ids.keys()]);
      const [first = ''] = ids;
      const state = await stateOf(lab, first);
      const same = await walkPages(lab, [...filter, ['state', state]]);
      assertThat(same.ids.includes(first), `state=${state} lacks a task of it`, same.pages.at(-1));
      for (const wanted of [state, 'COMPLETE', 'EXECUTOR_ERROR']) {
        const answer = await lab.list([
          ['state', wanted],
          ['page_size', '50'],
        ]);
        assertStatus(answer, 200);
        const others = listOf(at(answer.json, 'tasks')).filter(
          (task) => textAt(task, 'state') !== wanted,
        );
        assertThat(others.length === 0, `state=${wanted} has tasks of other states`, answer);
      }
      assertStatus(await lab.list([['state', 'NOPE']]), 400, 'state=NOPE');
    }),
  ),
  ...TAGS.map(tagCheck),
  check(
    'T75',
    'S',
    'keys and values are paired by their index, however they are mixed',
    holds(async (lab) => {
      const { key } = await family(lab);
      const [a, b, c] = pairs(key, 'a', 'b', 'c');
      const [one, three] = [['tag_value', '1'] as const, ['tag_value', '3'] as const];
      if (a === undefined || b === undefined || c === undefined) return;
      await assertMembers(lab, [a, b, c, one, three], [2]);
      await assertMembers(lab, [a, one, b, three, c], [2]);
    }),
  ),
  check('T76', 'I', 'more values than keys are 400', async (lab) =>
    worst([
      weigh(await lab.list([['tag_value', 'x']]), 400, 'a value without key'),
      weigh(
        await lab.list([
          ['tag_key', 'a'],
          ['tag_value', 'x'],
          ['tag_value', 'y'],
        ]),
        400,
        'two values for one key',
      ),
    ]),
  ),
  check(
    'T77',
    'S',
    'odd characters of tags survive the query',
    holds(async (lab) => {
      const key = `k &=+ü%20/${lab.options.runId}`;
      const value = 'v &=+ü%20/"🗝';
      const id = await settled(lab, 'odd-tags', { tags: { [key]: value } });
      const walk = await walkPages(lab, [
        ['tag_key', key],
        ['tag_value', value],
      ]);
      assertSameIds(walk.ids, [id], walk.pages.at(-1));
      const other = await walkPages(lab, [
        ['tag_key', key],
        ['tag_value', `${value}x`],
      ]);
      assertSameIds(other.ids, [], other.pages.at(-1));
    }),
  ),
  check(
    'T78',
    'S',
    'filters combine with each other and with pages',
    holds(async (lab) => {
      const { ids, key } = await family(lab);
      const states = await Promise.all(ids.map((id) => stateOf(lab, id)));
      const state = states[1] ?? '';
      const query: Query = [
        ['name_prefix', `${lab.prefix}family-`],
        ['state', state],
        ...pairs(key, 'a=1'),
        ['page_size', '1'],
      ];
      const wanted = [0, 1, 2].filter((index) => states[index] === state);
      await assertMembers(lab, query, wanted);
    }),
  ),
];
