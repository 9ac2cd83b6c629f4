/** What runners say: facts go into the inbox of their attempt, signs of life to whoever follows it; the answer tells the runner to go on or to end. */
import { MagnetarError } from '../kernel/errors.ts';
import type { Clock } from '../kernel/clock.ts';
import { parseJobId, type JobId, type TaskId } from '../tasks/ids.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';
import type { Beacon } from '../tasks/report.ts';
import type { Inbox } from '../tasks/task.ts';

/** `over` = the job is not the current one of its task, or the task is to be cancelled. */
export type BeaconAnswer = 'go' | 'over';

export interface BeaconDeps {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly alive: (id: TaskId, job: JobId, progress: string | undefined) => void;
}

/** What of a beacon is kept; undefined = only a sign of life. */
const factsOf = (beacon: Beacon, now: number): Inbox | undefined => {
  switch (beacon.event) {
    case 'start':
      return { started: now };
    case 'executor':
      return { executing: now };
    case 'end':
      return { report: beacon.report };
    case 'alive':
      return undefined;
  }
};

/** The signature has been checked: `job` is who speaks. */
export const receiveBeacon = async (
  { store, clock, alive }: BeaconDeps,
  job: JobId,
  beacon: Beacon,
  options: { readonly signal: AbortSignal },
): Promise<BeaconAnswer> => {
  const id = parseJobId(job)?.task;
  const says = beacon.event === 'end' ? beacon.report.job : beacon.job;
  if (id === undefined || says !== job) {
    throw new MagnetarError('BAD_REQUEST', 'the beacon speaks of another job than its address');
  }
  alive(id, job, beacon.event === 'alive' ? beacon.progress : undefined);
  const facts = factsOf(beacon, clock.now());
  if (facts !== undefined) await store.inbox(id, job, facts, options);
  const task = await store.get(id, 'all', options);
  const isCurrent = task?.head.run?.job === job && task.head.cancel === undefined;
  return isCurrent ? 'go' : 'over';
};
