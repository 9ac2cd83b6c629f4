/** All destinations of this process together: who learns of which change, and what never fits anywhere. */
import { createWake } from '../kernel/wake.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Destination } from '../tasks/destination.ts';
import { NO_OWNER, type JobId } from '../tasks/ids.ts';
import type { Changes } from '../tasks/ports/changes.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';
import type { Beacon } from '../tasks/report.ts';
import { receiveBeacon, type BeaconAnswer } from './beacons.ts';
import type { DestinationOwner } from './destination-owner.ts';
import { createMisfits } from './misfits.ts';
import type { Timing } from './timing.ts';

export interface DispatcherDeps {
  readonly store: TaskStore;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: Timing;
  readonly destinations: readonly {
    readonly destination: Destination;
    readonly owner: DestinationOwner;
  }[];
}

export interface Dispatcher {
  /** Runs until the signal aborts and every loop has ended; jobs go on. */
  run(signal: AbortSignal): Promise<void>;
  receive(
    job: JobId,
    beacon: Beacon,
    options: { readonly signal: AbortSignal },
  ): Promise<BeaconAnswer>;
  /** Attempts under way. */
  active(): number;
  /** Cancels the attempts that this process drives, not those of other servers, and waits until all have ended. */
  cancelActive(signal: AbortSignal): Promise<void>;
}

const CANCEL_LOOK_MS = 50;

const sweep = async (deps: DispatcherDeps, signal: AbortSignal): Promise<void> => {
  const bell = createWake(deps.clock);
  const own = deps.destinations.map(({ destination }) => destination.capacity);
  const misfits = createMisfits({ ...deps, own });
  while (!signal.aborted) {
    await misfits.end(signal).catch((error: unknown) => {
      if (!signal.aborted) deps.logger.error('the sweep failed', { error });
    });
    await bell.wait(deps.timing.sweepMs, signal).catch(() => undefined);
  }
};

export const createDispatcher = (deps: DispatcherDeps): Dispatcher => {
  const owners = deps.destinations.map(({ owner }) => owner);
  const { store, clock } = deps;
  const active = () => owners.reduce((sum, owner) => sum + owner.active(), 0);
  return {
    async run(signal) {
      const unsubscribe = deps.changes.subscribe(({ id }) => {
        for (const owner of owners) owner.ring(id);
      });
      try {
        await Promise.all([...owners.map((owner) => owner.run(signal)), sweep(deps, signal)]);
      } finally {
        unsubscribe();
      }
    },
    receive: (job, beacon, options) =>
      receiveBeacon(
        {
          store,
          clock,
          alive: (id, speaker, progress) => {
            for (const owner of owners) owner.alive(id, speaker, progress);
          },
        },
        job,
        beacon,
        options,
      ),
    active,
    async cancelActive(signal) {
      const wish = { at: clock.now(), by: NO_OWNER, reason: 'cancelled when the server stopped' };
      for (;;) {
        await Promise.all(owners.map((owner) => owner.cancel(wish, signal)));
        if (active() === 0) return;
        await clock.sleep(CANCEL_LOOK_MS, signal); // a claim that was under way may bring one more
      }
    },
  };
};
