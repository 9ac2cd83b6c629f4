/** Destinations with work left that nobody takes care of: not configured here, and not held by another server that lives. */
import type { Clock } from '../kernel/clock.ts';
import type { Lease, TaskStore } from '../tasks/ports/task-store.ts';
import type { Timing } from './timing.ts';

export interface LostDeps {
  readonly store: Pick<TaskStore, 'exclusive' | 'destinationsInUse' | 'leases'>;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'takeOverMs'>;
  /** Names of the destinations of this process. */
  readonly own: ReadonlySet<string>;
}

const isBeating = (before: Lease | undefined, now: Lease | undefined): boolean =>
  now !== undefined &&
  now.holder !== '' &&
  (before?.epoch !== now.epoch || before.beat !== now.beat);

/** On a shared store this takes as long as it takes to see that a lease stands still. */
export const lostDestinations = async (
  { store, clock, timing, own }: LostDeps,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const names = (await store.destinationsInUse({ signal })).filter((name) => !own.has(name));
  if (names.length === 0 || store.exclusive) return names;
  const leases = async () =>
    new Map((await store.leases({ signal })).map((lease) => [lease.destination, lease]));
  const before = await leases();
  await clock.sleep(timing.takeOverMs, signal);
  const now = await leases();
  return names.filter((name) => !isBeating(before.get(name), now.get(name)));
};
