/** Reading tasks: one by id, or a page of a list, in the view asked for. */
import { jsonSize } from '../kernel/json.ts';
import { newPageToken, parsePageToken, type TaskFilter } from './filter.ts';
import type { OwnerId, TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { ListRequest, Page, Scope, TaskStore } from './ports/task-store.ts';
import type { Principal } from './principal.ts';
import type { Part, Task } from './task.ts';
import { taskUnknown } from './task-unknown.ts';
import { PARTS_OF_VIEW, renderSummary, renderTask, type View, type WireView } from './views.ts';

export interface ReadDeps {
  readonly store: TaskStore;
}

export interface ListInput {
  readonly filter: TaskFilter;
  readonly view: View;
  readonly size: number;
  readonly token?: string;
  readonly principal: Principal;
}

export interface TaskPage {
  readonly tasks: readonly WireView[];
  readonly next_page_token?: string;
}

/** FULL pages are smaller than asked: logs of thousands of tasks do not fit one answer. */
const MOST_FULL = 256;
/** A page ends once it is about this long, for one task may take 16 MiB and more; the next goes on. */
const PAGE_BYTES = 32 * 1024 * 1024;
/** Tasks read first, to see how long they are: their specs may be long as well. */
const FIRST_GROUP = 16;
/** What one entry of an output list takes, about. */
const OUTPUT_BYTES = 256;

export interface GetInput {
  readonly id: TaskId;
  readonly view: View;
  readonly principal: Principal;
}

export const getTask = async (
  { store }: ReadDeps,
  { id, view, principal }: GetInput,
  options: CallOptions,
): Promise<WireView> => {
  if (view === 'MINIMAL') {
    const summary = await store.summary(id, principal.scope, options);
    if (summary === undefined) throw taskUnknown();
    return renderSummary(summary);
  }
  const task = await store.get(id, principal.scope, options);
  if (task === undefined) throw taskUnknown();
  return renderTask(task, await store.parts([id], PARTS_OF_VIEW[view], options), view);
};

const ownerOf = (scope: Scope): OwnerId | undefined => (scope === 'all' ? undefined : scope.owner);

const partsByTask = (parts: readonly Part[]): ReadonlyMap<TaskId, readonly Part[]> => {
  const grouped = new Map<TaskId, Part[]>();
  for (const part of parts) {
    const group = grouped.get(part.task);
    if (group === undefined) grouped.set(part.task, [part]);
    else group.push(part);
  }
  return grouped;
};

type LongView = Exclude<View, 'MINIMAL'>;

const sumOf = <Item>(items: readonly Item[], bytes: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + bytes(item), 0);

/** What the parts of a view take at most, as the record tells it: kept streams may be shorter. */
const recordedBytes = ({ spec, head }: Task, view: LongView): number => {
  const outputs = sumOf(head.attempts, ({ outputs_n }) => outputs_n * OUTPUT_BYTES);
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

/** Renders tasks in order; parts are read together where they are few, else when their task is asked for. */
async function* renderEach(
  store: TaskStore,
  tasks: readonly Task[],
  view: LongView,
  options: CallOptions,
): AsyncGenerator<{ readonly id: TaskId; readonly view: WireView }> {
  const isSmall = sumOf(tasks, (task) => recordedBytes(task, view)) <= PAGE_BYTES;
  for (const group of isSmall ? [tasks] : tasks.map((task) => [task])) {
    const ids = group.filter((task) => hasParts(task, view)).map(({ id }) => id);
    const kept = ids.length === 0 ? [] : await store.parts(ids, PARTS_OF_VIEW[view], options);
    const parts = partsByTask(kept);
    for (const task of group) {
      yield { id: task.id, view: renderTask(task, parts.get(task.id) ?? [], view) };
    }
  }
}

/** How many more tasks of the length seen so far fit the page. */
const groupOf = (count: number, bytes: number): number =>
  count === 0
    ? FIRST_GROUP
    : Math.max(FIRST_GROUP, Math.floor(((PAGE_BYTES - bytes) * count) / Math.max(1, bytes)));

/** As many tasks as were asked for and as fit one page, but at least one. */
const renderPage = async (
  store: TaskStore,
  request: ListRequest,
  view: LongView,
  options: CallOptions,
): Promise<Page<WireView>> => {
  const items: WireView[] = [];
  let last: TaskId | undefined;
  let bytes = 0;
  while (items.length < request.limit) {
    const limit = Math.min(groupOf(items.length, bytes), request.limit - items.length);
    const group = { ...request, limit, ...(last === undefined ? {} : { before: last }) };
    const page = await store.list(group, options);
    for await (const rendered of renderEach(store, page.items, view, options)) {
      bytes += jsonSize(rendered.view);
      if (last !== undefined && bytes > PAGE_BYTES) return { items, last };
      items.push(rendered.view);
      last = rendered.id;
    }
    if (page.last === undefined) return { items };
    last = page.last;
    if (page.items.length < limit) break; // the store has examined enough for one page
  }
  return last === undefined ? { items } : { items, last };
};

/**
 * One page, newest first (T60-T78).
 * @throws MagnetarError BAD_PAGE_TOKEN for a token of another list (T68)
 */
export const listTasks = async (
  { store }: ReadDeps,
  { filter, view, size, token, principal }: ListInput,
  options: CallOptions,
): Promise<TaskPage> => {
  const owner = ownerOf(principal.scope);
  const request: ListRequest = {
    scope: principal.scope,
    filter,
    limit: view === 'FULL' ? Math.min(size, MOST_FULL) : size,
    ...(token === undefined ? {} : { before: parsePageToken(token, filter, owner) }),
  };
  const next = (last: TaskId | undefined) =>
    last === undefined ? {} : { next_page_token: newPageToken(last, filter, owner) };
  if (view === 'MINIMAL') {
    const page = await store.listSummaries(request, options);
    return { tasks: page.items.map(renderSummary), ...next(page.last) };
  }
  const page = await renderPage(store, request, view, options);
  return { tasks: page.items, ...next(page.last) };
};
