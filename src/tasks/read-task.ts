/** Reading one task by id, in the view asked for. */
import type { TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { TaskStore } from './ports/task-store.ts';
import type { Principal } from './principal.ts';
import { taskUnknown } from './task-unknown.ts';
import { PARTS_OF_VIEW, renderSummary, renderTask, type View, type WireView } from './views.ts';

export interface ReadDeps {
  readonly store: TaskStore;
}

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
