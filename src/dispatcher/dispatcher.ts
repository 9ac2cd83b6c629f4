/** All destinations of this process together: who learns of which change, and what never fits anywhere. */
import { createWake } from '../kernel/wake.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { endedWaiting } from '../tasks/attempts.ts';
import type { Destination } from '../tasks/destination.ts';
import type { JobId } from '../tasks/ids.ts';
import { misfits } from '../tasks/placement.ts';
import type { Changes } from '../tasks/ports/changes.ts';
import type { TaskStore, WaitingClass } from '../tasks/ports/task-store.ts';
import type { Beacon } from '../tasks/report.ts';
import { receiveBeacon, type BeaconAnswer } from './beacons.ts';
import type { DestinationOwner } from './destination-owner.ts';
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
}

const MISFIT_BATCH = 100;
/** On a shared store another process may have the destination that this one does not know. */
const MISFIT_GRACE_MS = 600_000;

/** Why no configured destination could ever run such a task; undefined = one could. */
const whyNowhere = (
  { requirements }: WaitingClass,
  destinations: readonly Destination[],
): string | undefined => {
  const answers = destinations.map(({ name, capacity }) => ({
    name,
    reasons: misfits(requirements, capacity),
  }));
  if (answers.some(({ reasons }) => reasons.length === 0)) return undefined;
  const text = answers.map(({ name, reasons }) => `${name}: ${reasons.join(', ')}`).join('; ');
  return `no destination can run this task (${text})`;
};

/** Ends waiting tasks that fit nowhere, saying why. */
const endMisfits = async (deps: DispatcherDeps, signal: AbortSignal): Promise<void> => {
  const destinations = deps.destinations.map(({ destination }) => destination);
  for (const entry of await deps.store.waiting({ signal })) {
    const reason = whyNowhere(entry, destinations);
    if (reason === undefined) continue;
    const request = { class: entry.class, owner: entry.owner, limit: MISFIT_BATCH };
    const tasks = await deps.store.candidates(request, { signal });
    const grace = deps.store.exclusive ? 0 : MISFIT_GRACE_MS;
    for (const task of tasks.filter(({ created }) => created + grace <= deps.clock.now())) {
      const head = endedWaiting(task, 'SYSTEM_ERROR', reason, deps.clock.now());
      await deps.store.write(task.id, { rev: task.rev, ready: true }, head, { signal });
    }
  }
};

const sweep = async (deps: DispatcherDeps, signal: AbortSignal): Promise<void> => {
  const bell = createWake(deps.clock);
  while (!signal.aborted) {
    await endMisfits(deps, signal).catch((error: unknown) => {
      if (!signal.aborted) deps.logger.error('the sweep failed', { error: messageOf(error) });
    });
    await bell.wait(deps.timing.sweepMs, signal).catch(() => undefined);
  }
};

export const createDispatcher = (deps: DispatcherDeps): Dispatcher => {
  const owners = deps.destinations.map(({ owner }) => owner);
  const { store, clock } = deps;
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
          alive: (id, speaker) => {
            for (const owner of owners) owner.alive(id, speaker);
          },
        },
        job,
        beacon,
        options,
      ),
    active: () => owners.reduce((sum, owner) => sum + owner.active(), 0),
  };
};
