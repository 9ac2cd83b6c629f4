/** List queries: every filter is an index look-up that yields ids newest first, and no page examines more than a bounded number of entries. */
import { filterKeys } from '../../tasks/filter.ts';
import { isIndexedPrefix } from '../../tasks/keys.ts';
import { NO_OWNER, parseTaskId, type OwnerId, type TaskId } from '../../tasks/ids.ts';
import type { ListRequest, Page } from '../../tasks/ports/task-store.ts';
import type { TaskState } from '../../tasks/states.ts';
import type { TaskRevision, TaskSummary } from '../../tasks/task.ts';
import { mergePages } from '../merge-pages.ts';
import type { SqlValue } from './driver.ts';
import { groupEntry, keyEntry } from './entries.ts';
import { countOf, textOf } from './rows.ts';
import type { Statements } from './statements.ts';

/** Entries that one page looks at when several conditions must hold; then it is short, and the next goes on. */
const MOST_EXAMINED = 2000;
/** Up to here entries are counted to find the rarest condition. */
const MOST_COUNTED = 300;
/** Sorts after every id, and before. */
const AFTER_ALL = '~';
const BEFORE_ALL = '';

/** SQL text with its values. */
export interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** An exact value that an index finds. */
interface Condition {
  readonly column: 'entry' | 'state' | 'owner';
  readonly value: string;
}

/** A list that one index yields: everybody's tasks, an owner's, or those that a group shares. */
type List = 'all' | { readonly owner: OwnerId } | { readonly group: string };

type OneList = Omit<ListRequest, 'scope'> & { readonly list: List };

/** How to find a page: the index that drives it (none = all tasks in scope) and what is checked for each of its entries. */
interface Plan {
  readonly list: List;
  readonly driver: Condition | undefined;
  readonly probes: readonly Query[];
}

/** Each index yields ids in order once its leading columns are fixed. */
const SOURCES = {
  entry: { alias: 'e', from: 'entries e', join: ' CROSS JOIN tasks t ON t.id = e.id' },
  state: { alias: 't', from: 'tasks t', join: '' },
  owner: { alias: 't', from: 'tasks t', join: '' },
  none: { alias: 't', from: 'tasks t', join: '' },
} as const;

/** Only real owners have indexes of their own. */
const isOwned = (list: List): list is { readonly owner: OwnerId } =>
  list !== 'all' && 'owner' in list && list.owner !== NO_OWNER;

const isOwnerless = (list: List): boolean =>
  list !== 'all' && 'owner' in list && list.owner === NO_OWNER;

const sourceOf = ({ list, driver }: Omit<Plan, 'probes'>) => {
  const source = SOURCES[driver?.column ?? 'none'];
  const owned = isOwned(list) && driver?.column !== 'entry';
  const terms: readonly Query[] = [
    ...(owned ? [{ sql: "t.owner <> '' AND t.owner = ?", values: [list.owner] }] : []),
    ...(driver === undefined || driver.column === 'owner'
      ? []
      : [{ sql: `${source.alias}.${driver.column} = ?`, values: [driver.value] }]),
  ];
  return {
    ...source,
    where: [...terms.map(({ sql }) => sql), `${source.alias}.id < ?`].join(' AND '),
    values: terms.flatMap(({ values }) => values),
  };
};

/** What a page shows of the tasks it finds: the id, and one column. */
interface Items<Item> {
  readonly column: 'state' | 'rev';
  read(id: TaskId, value: string): Item;
}

export const SUMMARIES: Items<TaskSummary> = {
  column: 'state',
  read: (id, value) => ({ id, state: value as TaskState }),
};

export const REVISIONS: Items<TaskRevision> = {
  column: 'rev',
  read: (id, value) => ({ id, rev: Number(value) }),
};

/** Neither ids nor the columns shown hold it. */
const SEPARATOR = ' ';

/** One row with all items in a text: rows are what costs, when they hold no more than two short values. */
const inOneText = (sql: string, column: string): string =>
  `SELECT group_concat(id || '${SEPARATOR}' || ${column}, '${SEPARATOR}') AS items FROM (${sql})`;

const decodeItems = <Item>(row: unknown, { read }: Items<Item>): readonly Item[] => {
  const words = textOf(row, 'items').split(SEPARATOR);
  const items: Item[] = [];
  for (let at = 1; at < words.length; at += 2) {
    items.push(read(words[at - 1] as TaskId, words[at] ?? ''));
  }
  return items;
};

/** How many entries of the condition lie before an id, counted up to a bound. */
const countQuery = (list: List, driver: Condition, before: string): Query => {
  const { from, where, values } = sourceOf({ list, driver });
  return {
    sql: `SELECT count(*) AS count FROM (SELECT 1 FROM ${from} WHERE ${where} LIMIT ${String(MOST_COUNTED)})`,
    values: [...values, before],
  };
};

/** The last entry that one page may examine. */
const floorQuery = (plan: Plan, before: string): Query => {
  const { alias, from, where, values } = sourceOf(plan);
  return {
    sql: `SELECT ${alias}.id FROM ${from} WHERE ${where} ORDER BY ${alias}.id DESC LIMIT 1 OFFSET ${String(MOST_EXAMINED - 1)}`,
    values: [...values, before],
  };
};

/** The entries to examine: those after `floor` and before `before`. */
interface Range {
  readonly before: string;
  readonly floor: string;
  readonly limit: number;
}

const pageQuery = (plan: Plan, { before, floor, limit }: Range, column: string): Query => {
  const { alias, from, join, where, values } = sourceOf(plan);
  const terms = [where, `${alias}.id >= ?`, ...plan.probes.map(({ sql }) => sql)].join(' AND ');
  return {
    sql: inOneText(
      `SELECT t.id, t.${column} FROM ${from}${join} WHERE ${terms} ORDER BY ${alias}.id DESC LIMIT ?`,
      column,
    ),
    values: [...values, before, floor, ...plan.probes.flatMap((probe) => probe.values), limit],
  };
};

const stateProbe = (state: string): Query => ({ sql: 't.state = ?', values: [state] });

const entriesProbe = (entries: readonly string[]): Query => ({
  sql: `(SELECT count(*) FROM entries x WHERE x.entry IN (${entries.map(() => '?').join(', ')}) AND x.id = t.id) = ?`,
  values: [...entries, entries.length],
});

const NO_OWNER_PROBE: Query = { sql: "t.owner = ''", values: [] };

/** A prefix that no entry covers whole is compared byte by byte, so that no character is special. */
const prefixProbe = (prefix: string): Query => ({
  sql: '(SELECT substr(CAST(b.name AS BLOB), 1, ?) = CAST(? AS BLOB) FROM bodies b WHERE b.n = t.n)',
  values: [Buffer.byteLength(prefix), prefix],
});

const ownerProbe = (owner: string): Query => ({ sql: 't.owner = ?', values: [owner] });

/** Each owner's states have an index; among entries the owner is looked at one by one. */
const ownerProbes = (list: List, driver: Condition | undefined): readonly Query[] => {
  if (isOwnerless(list)) return [NO_OWNER_PROBE];
  return isOwned(list) && driver?.column === 'entry' ? [ownerProbe(list.owner)] : [];
};

const probesOf = (
  { list, driver }: Omit<Plan, 'probes'>,
  rest: readonly Condition[],
  prefix: string,
): readonly Query[] => {
  const entries = rest.filter(({ column }) => column === 'entry').map(({ value }) => value);
  const states = rest.filter(({ column }) => column === 'state').map(({ value }) => value);
  return [
    ...ownerProbes(list, driver),
    ...states.map(stateProbe),
    ...(entries.length === 0 ? [] : [entriesProbe(entries)]),
    ...(prefix === '' || isIndexedPrefix(prefix) ? [] : [prefixProbe(prefix)]),
  ];
};

/** A group has one entry for each of its tasks; its filters are found among everybody's. */
const entriesOf = ({ list, filter }: Pick<OneList, 'list' | 'filter'>): readonly string[] => {
  const keys = [...new Set(filterKeys(filter))].map(keyEntry);
  return list !== 'all' && 'group' in list ? [groupEntry(list.group), ...keys] : keys;
};

const conditionsOf = ({ list, filter }: OneList): readonly Condition[] => {
  const entries = entriesOf({ list, filter }).map((value) => ({ column: 'entry', value }) as const);
  return [
    ...entries,
    ...(filter.state === undefined ? [] : [{ column: 'state', value: filter.state } as const]),
    ...(isOwned(list) && entries.length > 0
      ? [{ column: 'owner', value: list.owner } as const]
      : []),
  ];
};

/** The rarest condition drives; a single one needs no counting. */
const planOf = (request: OneList, countOfCondition: (one: Condition) => number): Plan => {
  const conditions = conditionsOf(request);
  const [driver] =
    conditions.length < 2
      ? conditions
      : conditions
          .map((condition) => ({ condition, count: countOfCondition(condition) }))
          .sort((a, b) => a.count - b.count)
          .map(({ condition }) => condition);
  const rest = conditions.filter((condition) => condition !== driver);
  const { list, filter } = request;
  return { list, driver, probes: probesOf({ list, driver }, rest, filter.name_prefix ?? '') };
};

/** Told of each query before it runs; the tests look at the plans that SQLite makes of them. */
export type WatchQuery = (query: Query) => void;

/** Reads one page of one list. */
const readList = <Item extends { readonly id: TaskId }>(
  statements: Statements,
  request: OneList,
  shown: Items<Item>,
  watch?: WatchQuery,
): Page<Item> => {
  const before = request.before ?? AFTER_ALL;
  const all = (query: Query): readonly unknown[] => {
    watch?.(query);
    return statements(query.sql).all(...query.values);
  };
  const plan = planOf(request, (condition) =>
    countOf(all(countQuery(request.list, condition, before))[0]),
  );
  const floor =
    plan.probes.length === 0 ? BEFORE_ALL : textOf(all(floorQuery(plan, before))[0], 'id');
  const range = { before, floor, limit: request.limit + 1 };
  const found = decodeItems(all(pageQuery(plan, range, shown.column))[0], shown);
  const items = found.slice(0, request.limit);
  const last = found.length > request.limit ? items.at(-1)?.id : parseTaskId(floor);
  return last === undefined ? { items } : { items, last };
};

const listsOf = (scope: ListRequest['scope']): readonly List[] =>
  scope === 'all'
    ? ['all']
    : [{ owner: scope.owner }, ...(scope.groups ?? []).map((group) => ({ group }))];

/** Reads one page: of an owner with groups, one of each list, which costs as many look-ups as there are groups. */
export const readPage = <Item extends { readonly id: TaskId }>(
  statements: Statements,
  { scope, ...request }: ListRequest,
  shown: Items<Item>,
  watch?: WatchQuery,
): Page<Item> => {
  const pages = listsOf(scope).map((list) =>
    readList(statements, { ...request, list }, shown, watch),
  );
  const [only] = pages;
  return only !== undefined && pages.length === 1 ? only : mergePages(pages, request.limit);
};
