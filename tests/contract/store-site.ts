/** What a contract test of a store gets: an empty database, and one or several processes' views of it. */
import { setMaxListeners } from 'node:events';
import type { OpenStore } from '../../src/store/change-hub.ts';
import type { CallOptions } from '../../src/tasks/ports/call.ts';
import type { NewTask, TaskStore } from '../../src/tasks/ports/task-store.ts';
import type { Task } from '../../src/tasks/task.ts';

export interface StoreSite {
  /** At least one; several share one database, as several servers would. */
  readonly opened: readonly OpenStore[];
  /** What listeners did wrong, as the store logged it. */
  readonly warnings: readonly string[];
  /** Stores many tasks at once, oldest first. */
  fill(tasks: readonly NewTask[]): Promise<void>;
  teardown(): Promise<void>;
}

/** The running test's site. */
export type SiteOf = () => StoreSite;

export const CALL: CallOptions = { signal: new AbortController().signal };
setMaxListeners(0, CALL.signal); // the tests have many calls on it at once; that each lets it go is a test of its own

/** Spreads callers over the processes that share the database. */
export const storeFor = (site: StoreSite, caller: number): TaskStore => {
  const opened = site.opened[caller % site.opened.length];
  if (opened === undefined) throw new TypeError('the site has no store');
  return opened.store;
};

export const read = async (store: TaskStore, id: Task['id']): Promise<Task> => {
  const task = await store.get(id, 'all', CALL);
  if (task === undefined) throw new Error(`task ${id} is not there`);
  return task;
};

/** Creates the task and answers it as stored. */
export const given = async (store: TaskStore, task: NewTask): Promise<Task> => {
  await store.create(task, [], CALL);
  return read(store, task.id);
};

export const range = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, n) => n);
