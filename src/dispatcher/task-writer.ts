/** Owner writes: read, decide, write under the guard, and again when somebody else wrote in between. */
import type { TaskId } from '../tasks/ids.ts';
import type { HeadChange } from '../tasks/attempts.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';
import type { Task, TaskHead } from '../tasks/task.ts';

/** What to write, or nothing when the task no longer wants it. */
export type Decision = (task: Task) => HeadChange | undefined;

export const onlyHead = (head: TaskHead): HeadChange => ({ head, parts: [] });

/** One write with the document at hand; answers the new document, or undefined when a condition failed. */
export const writeOnce = async (
  store: TaskStore,
  task: Task,
  change: HeadChange,
  options: { readonly signal: AbortSignal; readonly uncancelled?: true },
): Promise<Task | undefined> => {
  const epoch = task.head.run?.epoch;
  const guard = {
    rev: task.rev,
    ...(epoch === undefined ? {} : { epoch }),
    ...(options.uncancelled === undefined ? {} : { uncancelled: options.uncancelled }),
  };
  const result = await store.write(task.id, guard, change.head, {
    signal: options.signal,
    parts: change.parts,
  });
  return result === 'applied' ? { ...task, rev: task.rev + 1, head: change.head } : undefined;
};

/** Repeats until the write is applied or `decide` has nothing to write; answers the document it ended with. */
export const settle = async (
  store: TaskStore,
  id: TaskId,
  decide: Decision,
  options: { readonly signal: AbortSignal },
): Promise<Task | undefined> => {
  for (;;) {
    const task = await store.get(id, 'all', options);
    const change = task === undefined ? undefined : decide(task);
    if (task === undefined || change === undefined) return task;
    const written = await writeOnce(store, task, change, options);
    if (written !== undefined) return written;
  }
};
