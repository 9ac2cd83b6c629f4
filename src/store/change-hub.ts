/** Hands changes to whoever subscribed; the in-process half of the `Changes` port. */
import type { Changes, TaskChange } from '../tasks/ports/changes.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';

/** What a store tells of itself. */
export interface StoreLogger {
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What the factory of a store answers; closing the store ends both. */
export interface OpenStore {
  readonly store: TaskStore;
  readonly changes: Changes;
}

export interface ChangeHub extends Changes {
  emit(change: TaskChange): void;
}

export const createChangeHub = (logger: StoreLogger | undefined): ChangeHub => {
  const listeners = new Set<{ readonly call: (change: TaskChange) => void }>();
  return {
    subscribe(call) {
      const entry = { call };
      listeners.add(entry);
      return () => {
        listeners.delete(entry);
      };
    },
    emit(change) {
      for (const { call } of listeners) {
        try {
          call(change);
        } catch (error) {
          logger?.warn('a listener of changes failed', {
            task: change.id,
            error,
          });
        }
      }
    },
  };
};
