/** A page of a list, in the view asked for, as JSON text. */
import { newPageToken, parsePageToken, type TaskFilter } from './filter.ts';
import type { OwnerId, TaskId } from './ids.ts';
import type { KnownViews } from './known-views.ts';
import type { CallOptions } from './ports/call.ts';
import type { ListRequest, Page, Scope, TaskStore } from './ports/task-store.ts';
import type { Principal } from './principal.ts';
import type { Part, Task, TaskRevision } from './task.ts';
import { PARTS_OF_VIEW, renderTask, summaryText, type View } from './views.ts';

export interface ListDeps {
  readonly store: TaskStore;
  /** BASIC views of earlier lists; the others are short, or too long to be kept. */
  readonly basicViews: KnownViews;
}

export interface ListInput {
  readonly filter: TaskFilter;
  readonly view: View;
  readonly size: number;
  readonly token?: string;
  readonly principal: Principal;
}

/** FULL pages are smaller than asked: logs of thousands of tasks do not fit one answer. */
const MOST_FULL = 256;
/** A page ends once it is about this long, for one task may take 16 MiB and more; the next goes on. */
const PAGE_LENGTH = 32 * 1024 * 1024;
/** Tasks read first, to see how long they are: their specs may be long as well. */
const FIRST_GROUP = 16;
/** What one entry of an output list takes, about. */
const OUTPUT_LENGTH = 256;

type LongView = Exclude<View, 'MINIMAL'>;

const sumOf = <Item>(items: readonly Item[], length: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + length(item), 0);

const groupBy = <Key, Item>(items: readonly Item[], keyOf: (item: Item) => Key) => {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
};

/** What the parts of a view take at most, as the record tells it: kept streams may be shorter. */
const recordedLength = ({ spec, head }: Task, view: LongView): number => {
  const outputs = sumOf(head.attempts, ({ outputs_n }) => outputs_n * OUTPUT_LENGTH);
  if (view === 'BASIC') return outputs;
  const executors = head.attempts.flatMap((attempt) => attempt.executors);
  return (
    outputs +
    sumOf(spec.inputs ?? [], ({ content_bytes = 0 }) => content_bytes) +
    sumOf(executors, ({ stdout_bytes, stderr_bytes }) => stdout_bytes + stderr_bytes)
  );
};

/** BASIC takes nothing but the lists of outputs from parts, and most tasks of a list have none. */
const hasParts = ({ head }: Task, view: LongView): boolean =>
  view === 'FULL' || head.attempts.some(({ outputs_n }) => outputs_n > 0);

/** What one request for a list needs at every step. */
interface Listing extends ListDeps {
  readonly view: LongView;
  readonly state: TaskFilter['state'];
  readonly options: CallOptions;
}

type PartsOf = (task: Task) => Promise<readonly Part[]>;

/** Parts are read together where they are few, else when their task is asked for. */
const readParts = async (
  { store, view, options }: Listing,
  tasks: readonly Task[],
): Promise<PartsOf> => {
  const read = async (some: readonly Task[]): Promise<readonly Part[]> => {
    const ids = some.filter((task) => hasParts(task, view)).map(({ id }) => id);
    return ids.length === 0 ? [] : store.parts(ids, PARTS_OF_VIEW[view], options);
  };
  if (sumOf(tasks, (task) => recordedLength(task, view)) > PAGE_LENGTH) {
    return (task) => read([task]);
  }
  const parts = groupBy(await read(tasks), ({ task }) => task);
  return ({ id }) => Promise.resolve(parts.get(id) ?? []);
};

/** The view of a task, or nothing where it has left the state asked for since the list was read. */
type Render = (id: TaskId) => Promise<string | undefined>;

const readTasks = async (listing: Listing, ids: readonly TaskId[]): Promise<Render> => {
  const { store, basicViews, view, state, options } = listing;
  const tasks = ids.length === 0 ? [] : await store.tasks(ids, options);
  const partsOf = await readParts(listing, tasks);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return async (id) => {
    const task = byId.get(id);
    if (task === undefined || (state !== undefined && task.head.state !== state)) return undefined;
    const text = JSON.stringify(renderTask(task, await partsOf(task), view));
    if (view === 'BASIC') basicViews.keep(task, text);
    return text;
  };
};

interface Texts {
  readonly texts: readonly string[];
  readonly last: TaskId | undefined;
}

/** How many more tasks of the length seen so far fit the page. */
const groupOf = (count: number, length: number): number =>
  count === 0
    ? FIRST_GROUP
    : Math.max(FIRST_GROUP, Math.floor(((PAGE_LENGTH - length) * count) / Math.max(1, length)));

/** As many tasks as fit one page, but at least one. */
const renderPage = async (
  listing: Listing,
  { items, last }: Page<TaskRevision>,
): Promise<Texts> => {
  const { view, basicViews } = listing;
  const texts: string[] = [];
  let length = 0;
  let done = 0;
  while (done < items.length) {
    const group = items.slice(done, done + groupOf(done, length));
    const known = group.map((task) => (view === 'BASIC' ? basicViews.of(task) : undefined));
    const unknown = group.filter((_, index) => known[index] === undefined);
    const render = await readTasks(
      listing,
      unknown.map(({ id }) => id),
    );
    for (const [index, { id }] of group.entries()) {
      const text = known[index] ?? (await render(id));
      length += text?.length ?? 0;
      if (texts.length > 0 && length > PAGE_LENGTH) return { texts, last: items[done - 1]?.id };
      if (text !== undefined) texts.push(text);
      done += 1;
    }
  }
  return { texts, last };
};

const ownerOf = (scope: Scope): OwnerId | undefined => (scope === 'all' ? undefined : scope.owner);

/**
 * One page, newest first (T60-T78), as the JSON text of `tesListTasksResponse`.
 * @throws MagnetarError BAD_PAGE_TOKEN for a token of another list (T68)
 */
export const listTasks = async (
  deps: ListDeps,
  { filter, view, size, token, principal }: ListInput,
  options: CallOptions,
): Promise<string> => {
  const owner = ownerOf(principal.scope);
  const request: ListRequest = {
    scope: principal.scope,
    filter,
    limit: view === 'FULL' ? Math.min(size, MOST_FULL) : size,
    ...(token === undefined ? {} : { before: parsePageToken(token, filter, owner) }),
  };
  const pageText = ({ texts, last }: Texts): string => {
    const next =
      last === undefined ? '' : `,"next_page_token":"${newPageToken(last, filter, owner)}"`;
    return `{"tasks":[${texts.join(',')}]${next}}`;
  };
  if (view === 'MINIMAL') {
    const { items, last } = await deps.store.listSummaries(request, options);
    return pageText({ texts: items.map(summaryText), last });
  }
  const revisions = await deps.store.listRevisions(request, options);
  return pageText(await renderPage({ ...deps, view, state: filter.state, options }, revisions));
};
