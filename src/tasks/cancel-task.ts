/** Cancelling a task: at once while it waits, otherwise a wish that the destination's owner carries out. */
import type { Clock } from '../kernel/clock.ts';
import { endedWaiting } from './attempts.ts';
import type { TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { TaskStore, WriteResult } from './ports/task-store.ts';
import { assertMayChange, type Principal } from './principal.ts';
import { isTerminal } from './states.ts';
import type { Task, Wish } from './task.ts';
import { taskUnknown } from './task-unknown.ts';

export interface CancelDeps {
  readonly store: TaskStore;
  readonly clock: Clock;
}

export interface CancelInput {
  readonly id: TaskId;
  readonly principal: Principal;
}

/** A task is claimed and put back a few times in its life; a call that lost more races than this leaves a wish. */
const MOST_RACES = 8;

const REASON = 'cancelled by the client';

/** No attempt is active: it was never claimed, or its last one is over. */
const isWaiting = ({ head }: Task): boolean => !isTerminal(head.state) && head.run === undefined;

const endAtOnce = (
  { store, clock }: CancelDeps,
  task: Task,
  wish: Wish,
  options: CallOptions,
): Promise<WriteResult> => {
  const head = endedWaiting(task, 'CANCELED', wish.reason, clock.now());
  return store.write(task.id, { rev: task.rev }, { ...head, cancel: wish }, options);
};

/**
 * Idempotent: a task that has ended, or is being cancelled, stays as it is (T81).
 * @throws MagnetarError TASK_UNKNOWN (T82), ROLE_REFUSED
 */
export const cancelTask = async (
  deps: CancelDeps,
  { id, principal }: CancelInput,
  options: CallOptions,
): Promise<void> => {
  assertMayChange(principal);
  const wish: Wish = { at: deps.clock.now(), by: principal.owner, reason: REASON };
  for (let race = 0; race < MOST_RACES; race += 1) {
    const task = await deps.store.get(id, principal.scope, options);
    if (task === undefined) throw taskUnknown();
    if (isTerminal(task.head.state)) return;
    if (isWaiting(task)) {
      if ((await endAtOnce(deps, task, wish, options)) === 'applied') return; // T84
    } else {
      if (task.head.cancel !== undefined) return;
      await deps.store.wish(id, principal.scope, wish, options); // read once more: its attempt may have ended meanwhile
    }
  }
  const result = await deps.store.wish(id, principal.scope, wish, options);
  if (result === 'missing') throw taskUnknown();
};
