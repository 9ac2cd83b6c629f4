/** From counts by state to what an owner uses. */
import type { Usage } from '../tasks/ports/task-store.ts';
import { TASK_STATES, isTerminal, type TaskState } from '../tasks/states.ts';

export interface StateCount {
  readonly state: TaskState;
  readonly count: number;
}

const sumOf = (counts: readonly StateCount[], is: (state: TaskState) => boolean): number =>
  counts.filter(({ state }) => is(state)).reduce((sum, { count }) => sum + count, 0);

const isRunning = (state: TaskState): boolean => state !== 'QUEUED' && !isTerminal(state);

export const RUNNING_STATES = TASK_STATES.filter(isRunning);

export const usageOf = (counts: readonly StateCount[]): Usage => ({
  queued: sumOf(counts, (state) => state === 'QUEUED'),
  stored: sumOf(counts, () => true),
});
