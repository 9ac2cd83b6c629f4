/** The one way anything in the server learns of a transition or of a wish. */
import type { OwnerId, TaskId } from '../ids.ts';
import type { TaskState } from '../states.ts';

/** `rev` grows with each; several writes may arrive as one change. */
export interface TaskChange {
  readonly id: TaskId;
  readonly owner: OwnerId;
  readonly state: TaskState;
  readonly rev: number;
}

export interface Changes {
  /** Calls the listener for each change written by any process; returns the function that ends it. A listener's failure is logged and harms nobody. */
  subscribe(listener: (change: TaskChange) => void): () => void;
}
