/** Pages of lists: one index yields the ids newest first, and no page examines more than a bounded number of its entries. */
import type { Document, Filter } from 'mongodb';
import type { TaskId } from '../../tasks/ids.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { ListRequest, Page } from '../../tasks/ports/task-store.ts';
import { mergePages } from '../merge-pages.ts';
import type { Collections } from './collections.ts';
import type { TaskDocument } from './documents.ts';
import { conditionsOf, listsOf, prefixFilter, type Condition, type OneList } from './lists.ts';

/** Entries that one page looks at when several conditions must hold; then it is short, and the next goes on. */
const MOST_EXAMINED = 2000;
/** Up to here entries are counted to find the rarest condition. */
const MOST_COUNTED = 300;

/** However slow the database is: not for longer than this, nor for somebody who has left. */
const LIST_LIMIT_MS = 15_000;

const NEWEST_FIRST = { _id: -1 } as const;
const ONLY_ID = { _id: 1 } as const;

const limitsOf = ({ signal }: CallOptions) => ({ maxTimeMS: LIST_LIMIT_MS, signal });

/** What of each task is asked for. */
export type Shown = Readonly<Partial<Record<keyof TaskDocument, 1>>>;

/** How to find a page: the condition whose index drives it, and what is checked for each of its entries. */
interface Plan {
  readonly driver: Condition;
  readonly rest: Filter<TaskDocument>;
}

interface PageQuery {
  readonly tasks: Collections['tasks'];
  readonly request: OneList;
  readonly shown: Shown;
  readonly options: CallOptions;
}

const idRange = (before: TaskId | undefined, floor?: TaskId): Filter<TaskDocument> => {
  const range = {
    ...(before === undefined ? {} : { $lt: before }),
    ...(floor === undefined ? {} : { $gte: floor }),
  };
  return Object.keys(range).length === 0 ? {} : { _id: range };
};

const driven = ({ filter }: Condition, { before }: OneList): Filter<TaskDocument> => ({
  ...filter,
  ...idRange(before),
});

const countUpTo = async (
  { tasks, request, options }: PageQuery,
  condition: Condition,
): Promise<number> => {
  const shown = { projection: ONLY_ID, limit: MOST_COUNTED, hint: condition.index };
  const found = tasks.find(driven(condition, request), {
    sort: NEWEST_FIRST,
    ...shown,
    ...limitsOf(options),
  });
  return (await found.toArray()).length;
};

/** The rarest condition drives; a single one needs no counting. */
const planOf = async (query: PageQuery): Promise<Plan> => {
  const { list, filter } = query.request;
  const { base, conditions } = conditionsOf(list, filter);
  const name = prefixFilter(filter.name_prefix ?? '');
  const [only] = conditions;
  if (only === undefined) return { driver: base, rest: name };
  if (conditions.length === 1) return { driver: only, rest: name };
  const counted: { readonly one: Condition; readonly count: number }[] = [];
  for (const one of conditions) counted.push({ one, count: await countUpTo(query, one) });
  const [rarest] = counted.sort((a, b) => a.count - b.count);
  const driver = rarest?.one ?? only;
  const others = conditions.filter((one) => one !== driver).map((one) => one.filter);
  return { driver, rest: { $and: [...others, ...(Object.keys(name).length === 0 ? [] : [name])] } };
};

/** The last entry that one page may examine; undefined when there are fewer. */
const floorOf = async (
  { tasks, request, options }: PageQuery,
  driver: Condition,
): Promise<TaskId | undefined> => {
  const found = tasks.find(driven(driver, request), {
    ...{ sort: NEWEST_FIRST, skip: MOST_EXAMINED - 1, limit: 1 },
    ...{ projection: ONLY_ID, hint: driver.index },
    ...limitsOf(options),
  });
  return (await found.toArray())[0]?._id;
};

/** One condition alone: its index yields the page and nothing else. */
const findDriven = (
  { tasks, request, shown, options }: PageQuery,
  driver: Condition,
): Promise<readonly TaskDocument[]> =>
  tasks
    .find(driven(driver, request), {
      ...{ sort: NEWEST_FIRST, limit: request.limit + 1 },
      ...{ projection: shown, hint: driver.index },
      ...limitsOf(options),
    })
    .toArray();

/** The first `$limit` keeps the database from looking up the rest by an index of its choice; it is beyond what may come in meanwhile. */
const findExamined = (
  { tasks, request, shown, options }: PageQuery,
  { driver, rest }: Plan,
  floor: TaskId | undefined,
): Promise<readonly TaskDocument[]> => {
  const stages: readonly Document[] = [
    { $match: { ...driver.filter, ...idRange(request.before, floor) } },
    { $sort: NEWEST_FIRST },
    { $limit: 2 * MOST_EXAMINED },
    { $match: rest },
    { $limit: request.limit + 1 },
    { $project: shown },
  ];
  return tasks
    .aggregate<TaskDocument>([...stages], { hint: driver.index, ...limitsOf(options) })
    .toArray();
};

const findList = async (query: PageQuery): Promise<Page<TaskDocument & { id: TaskId }>> => {
  const plan = await planOf(query);
  const isBounded = Object.keys(plan.rest).length > 0;
  const floor = isBounded ? await floorOf(query, plan.driver) : undefined;
  const found = isBounded
    ? await findExamined(query, plan, floor)
    : await findDriven(query, plan.driver);
  const { limit } = query.request;
  const items = found.slice(0, limit).map((document) => ({ ...document, id: document._id }));
  const last = found.length > limit ? items.at(-1)?.id : floor;
  return last === undefined ? { items } : { items, last };
};

/** Reads one page: of an owner with groups, one of each list. One query after the other, for somebody may be in many groups. */
export const findPage = async (
  { tasks }: Collections,
  { scope, ...request }: ListRequest,
  shown: Shown,
  options: CallOptions,
): Promise<Page<TaskDocument & { id: TaskId }>> => {
  const pages: Page<TaskDocument & { id: TaskId }>[] = [];
  for (const list of listsOf(scope)) {
    pages.push(await findList({ tasks, request: { ...request, list }, shown, options }));
  }
  const [only] = pages;
  return only !== undefined && pages.length === 1 ? only : mergePages(pages, request.limit);
};
