/** Owning a destination: one process at a time, told by epochs and beats, without comparing two machines' clocks (DESIGN section 4). */
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { Capacity } from '../tasks/placement.ts';
import type { Lease, TaskStore } from '../tasks/ports/task-store.ts';
import type { Timing } from './timing.ts';

export interface LeaseKeeperDeps {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly destination: string;
  /** Name of this process. */
  readonly holder: string;
  /** Where this process can be nudged. */
  readonly address: string;
  /** What the destination offers: others must not fail what only it can run. */
  readonly capacity: Capacity;
}

export interface LeaseKeeper {
  readonly epoch: number;
  /** Throws LEASE_LOST when this process may not act any more. */
  assertOwner(): void;
  /** Proves to the store that this process still owns; throws LEASE_LOST when it does not. */
  renew(signal: AbortSignal): Promise<void>;
  release(signal: AbortSignal): Promise<void>;
}

const isSame = (a: Lease | undefined, b: Lease | undefined): boolean =>
  a?.epoch === b?.epoch && a?.beat === b?.beat;

/** Waits until the lease is free: never held, given back, or its beat stands still. */
const waitUntilFree = async (
  { store, clock, timing, destination }: LeaseKeeperDeps,
  signal: AbortSignal,
): Promise<Lease | undefined> => {
  let seen = await store.lease(destination, { signal });
  while (seen !== undefined && seen.holder !== '' && !store.exclusive) {
    await clock.sleep(timing.takeOverMs, signal);
    const now = await store.lease(destination, { signal });
    if (isSame(seen, now)) return now;
    seen = now;
  }
  return seen;
};

const keep = (deps: LeaseKeeperDeps, taken: Lease, sentAt: number): LeaseKeeper => {
  const { store, clock, timing, destination } = deps;
  let lease = taken;
  let lastGood = sentAt;
  let turn: Promise<unknown> = Promise.resolve();
  const lost = () =>
    new MagnetarError('LEASE_LOST', `another process owns the destination ${destination}`);
  const swap = async (signal: AbortSignal): Promise<void> => {
    const sent = clock.monotonic();
    const next = { ...lease, beat: lease.beat + 1 };
    const result = await store.swapLease(lease, next, { signal });
    if (result !== 'applied') throw lost();
    lease = next;
    lastGood = sent;
  };
  return {
    epoch: taken.epoch,
    assertOwner() {
      if (!store.exclusive && clock.monotonic() - lastGood > timing.actMs) throw lost();
    },
    renew(signal) {
      if (store.exclusive) return Promise.resolve();
      // One after another: two at once would take each other for another process.
      const mine = turn.then(() => swap(signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async release(signal) {
      await store.swapLease(lease, { ...lease, holder: '', address: '' }, { signal });
    },
  };
};

/** Waits for the lease and takes it over with a new epoch. */
export const takeLease = async (
  deps: LeaseKeeperDeps,
  signal: AbortSignal,
): Promise<LeaseKeeper> => {
  for (;;) {
    const free = await waitUntilFree(deps, signal);
    const lease: Lease = {
      destination: deps.destination,
      holder: deps.holder,
      epoch: (free?.epoch ?? 0) + 1,
      beat: 0,
      address: deps.address,
      capacity: deps.capacity,
    };
    const sentAt = deps.clock.monotonic();
    const result = await deps.store.swapLease(free, lease, { signal });
    if (result === 'applied') return keep(deps, lease, sentAt);
  }
};
