/** One reign over a destination, from taking its lease to losing it or stopping: what a reign does, each part repeatable. */
import { isMagnetarError } from '../kernel/errors.ts';
import type { Wake } from '../kernel/wake.ts';
import { runOf } from '../tasks/attempts.ts';
import type { OwnerId, TaskId } from '../tasks/ids.ts';
import type { Slots, Task } from '../tasks/task.ts';
import type { AttemptDeps } from './attempt-context.ts';
import { startAttemptDriver, type AttemptDriver } from './attempt-driver.ts';
import { claimTasks, type Turns } from './claims.ts';
import { slotsOwed } from './debts.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

export interface Driven {
  readonly owner: OwnerId;
  readonly slots: Slots;
  readonly driver: AttemptDriver;
}

export interface Reign {
  readonly deps: AttemptDeps;
  readonly keeper: LeaseKeeper;
  /** Attempts under way; outlives the reign only until their drivers have ended. */
  readonly driven: Map<TaskId, Driven>;
  readonly turns: Turns;
  /** Most running tasks of one owner; 0 = no limit. */
  readonly ownerRunning: number;
  /** Rung when tasks may wait, and when something may be owed. */
  readonly bells: { readonly claim: Wake; readonly debt: Wake };
  readonly signal: AbortSignal;
}

const drive = (reign: Reign, task: Task): void => {
  if (reign.driven.has(task.id)) return;
  const { job, n, slots } = runOf(task);
  const logger = reign.deps.logger.child({ taskId: task.id, jobId: job, attempt: n });
  const driver = startAttemptDriver({ ...reign.deps, logger }, task, reign.signal);
  reign.driven.set(task.id, { owner: task.owner, slots, driver });
  const leave = () => {
    reign.driven.delete(task.id);
    reign.bells.claim.ring();
    reign.bells.debt.ring();
  };
  driver.done.then(leave, leave);
};

/** Stamps every active attempt of the destination with our epoch, and only then reads and follows those nobody follows yet. */
export const resumeAttempts = async (reign: Reign): Promise<void> => {
  const { deps, keeper, signal } = reign;
  const { store, destination } = deps;
  await store.stamp(destination.name, keeper.epoch, { signal });
  const active = await store.active(destination.name, { signal });
  for (const id of active.filter((one) => !reign.driven.has(one))) {
    const task = await store.get(id, 'all', { signal });
    if (task?.head.run?.destination !== destination.name) continue;
    if (task.head.run.epoch !== keeper.epoch) continue;
    deps.logger.info('attempt resumed', { taskId: id, point: task.head.run.point });
    drive(reign, task);
  }
};

/** Claim, renew, act: a claim counts only once the lease has been proven after it. */
export const claimWaiting = async (reign: Reign): Promise<void> => {
  const { deps, keeper, driven, signal } = reign;
  const { capacity, name } = deps.destination;
  if (!deps.mayClaim() || driven.size >= capacity.jobs) return; // every task that is created rings: a full destination reads nothing
  const owing = await deps.store.debts(name, { signal });
  const tasks = await claimTasks({
    store: deps.store,
    capacity,
    epoch: keeper.epoch,
    now: deps.clock.now(),
    used: [...[...driven.values()].map(({ slots }) => slots), ...slotsOwed(owing)],
    turns: reign.turns,
    ownerRunning: reign.ownerRunning,
    runningOf: (who) => [...driven.values()].filter(({ owner }) => owner === who).length,
    signal,
  });
  if (tasks.length === 0) return;
  await keeper.renew(signal);
  for (const task of tasks) drive(reign, task);
  reign.bells.claim.ring(); // there may be room for classes whose turn has not come
};

/** Repeats `work` at each ring and at least every `ms`. A fault is said and does not end it; a lost lease does. */
export const repeat = async (
  { deps, signal }: Reign,
  bell: Wake,
  ms: number,
  work: () => Promise<unknown>,
): Promise<never> => {
  for (;;) {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      if (isMagnetarError(error, 'LEASE_LOST')) throw error;
      deps.logger.error('a loop of the dispatcher failed', { error });
      await deps.clock.sleep(ms, signal);
    }
    await bell.wait(ms, signal);
  }
};
