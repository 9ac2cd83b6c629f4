/** Owns one destination: takes its lease, resumes what runs there, claims while there is room, pays its debts; again whenever the lease was lost. */
import { linkAbort } from '../kernel/link-abort.ts';
import { createWake } from '../kernel/wake.ts';
import type { JobId, TaskId } from '../tasks/ids.ts';
import type { Wish } from '../tasks/task.ts';
import type { AttemptDeps } from './attempt-context.ts';
import { createTurns } from './claims.ts';
import { createDebtPayer } from './debts.ts';
import { takeLease } from './lease-keeper.ts';
import { claimWaiting, repeat, resumeAttempts, type Driven, type Reign } from './reign.ts';

export interface OwnerDeps extends Omit<AttemptDeps, 'assertOwner'> {
  /** Name of this process. */
  readonly holder: string;
  /** Where this process can be nudged; empty = nowhere. */
  readonly address: string;
  /** Most tasks of one owner between their first claim and their end, over all destinations; 0 = no limit. */
  readonly ownerRunning: number;
}

export interface DestinationOwner {
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** The task waits, or changed. */
  ring(id: TaskId): void;
  /** A job gave a sign of life that is not stored. */
  alive(id: TaskId, job: JobId, progress: string | undefined): void;
  /** Attempts under way. */
  active(): number;
  /** Takes nothing new any more, and wishes the end of every attempt that this process drives here, each once. */
  cancel(wish: Wish, signal: AbortSignal): Promise<void>;
  /** The destination may take tasks now: look for them. */
  opened(): void;
}

type Shared = Pick<Reign, 'driven' | 'bells'>;

const reignOver = async (owner: OwnerDeps, shared: Shared, signal: AbortSignal): Promise<void> => {
  const { timing, clock, destination } = owner;
  const { name, capacity } = destination;
  const keeper = await takeLease({ ...owner, destination: name, capacity }, signal);
  const end = linkAbort(signal);
  const deps: AttemptDeps = {
    ...owner,
    assertOwner: () => {
      keeper.assertOwner();
    },
  };
  const debts = createDebtPayer(deps);
  const turns = createTurns();
  const { ownerRunning } = owner;
  const reign: Reign = { deps, keeper, turns, ownerRunning, signal: end.signal, ...shared };
  const { claim, debt } = shared.bells;
  const every = (ms: number, work: () => Promise<unknown>) =>
    repeat(reign, createWake(clock), ms, work);
  const work = async (): Promise<never> => {
    await resumeAttempts(reign);
    return Promise.race([
      repeat(reign, claim, timing.sweepMs, () => claimWaiting(reign)),
      repeat(reign, debt, timing.sweepMs, () => debts.pay(reign.signal)),
      every(timing.stampMs, () => resumeAttempts(reign)),
    ]);
  };
  try {
    await Promise.race([every(timing.renewMs, () => keeper.renew(reign.signal)), work()]);
  } finally {
    end.abort(new Error('the reign over the destination has ended'));
    end.unlink();
    await Promise.allSettled([...shared.driven.values()].map(({ driver }) => driver.done));
    await keeper.release(AbortSignal.timeout(timing.renewMs)).catch(() => undefined);
  }
};

export const createDestinationOwner = (given: OwnerDeps): DestinationOwner => {
  const wished = new Set<TaskId>();
  let open = true;
  const owner: OwnerDeps = { ...given, mayClaim: () => open && given.mayClaim() };
  const driven = new Map<TaskId, Driven>();
  const bells = { claim: createWake(owner.clock), debt: createWake(owner.clock) };
  return {
    async run(signal) {
      const goesOn = () => !signal.aborted;
      while (goesOn()) {
        try {
          await reignOver(owner, { driven, bells }, signal);
        } catch (error) {
          if (!goesOn()) return;
          owner.logger.warn('the destination is not owned any more', { error });
          await owner.clock.sleep(owner.timing.renewMs, signal).catch(() => undefined);
        }
      }
    },
    ring(id) {
      const entry = driven.get(id);
      if (entry === undefined) bells.claim.ring();
      else entry.driver.ring();
    },
    alive(id, job, progress) {
      driven.get(id)?.driver.alive(job, progress);
    },
    active: () => driven.size,
    async cancel(wish, signal) {
      open = false;
      const unwished = [...driven.keys()].filter((id) => !wished.has(id));
      const wishOne = async (id: TaskId): Promise<void> => {
        await owner.store.wish(id, 'all', wish, { signal });
        wished.add(id);
      };
      await Promise.all(unwished.map(wishOne));
    },
    opened: bells.claim.ring,
  };
};
