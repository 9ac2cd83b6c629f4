/** Reading tasks: one by id, or a page of a list, in the view asked for. */
import { newPageToken, parsePageToken, type TaskFilter } from './filter.ts';
import type { OwnerId, TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { ListRequest, Scope, TaskStore } from './ports/task-store.ts';
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

export const getTask = async (
  { store }: ReadDeps,
  { id, view, principal }: { id: TaskId; view: View; principal: Principal },
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

const renderAll = async (
  store: TaskStore,
  tasks: readonly Task[],
  view: Exclude<View, 'MINIMAL'>,
  options: CallOptions,
): Promise<readonly WireView[]> => {
  if (tasks.length === 0) return [];
  const ids = tasks.map(({ id }) => id);
  const parts = partsByTask(await store.parts(ids, PARTS_OF_VIEW[view], options));
  return tasks.map((task) => renderTask(task, parts.get(task.id) ?? [], view));
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
  const page = await store.list(request, options);
  return { tasks: await renderAll(store, page.items, view, options), ...next(page.last) };
};
