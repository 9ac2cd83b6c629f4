/** Pays what is owed on a destination: ends jobs that must not live and removes what ended jobs left. */
import { isMagnetarError, messageOf } from '../kernel/errors.ts';
import { paid } from '../tasks/attempts.ts';
import type { Debt, Slots, Task } from '../tasks/task.ts';
import { askStatus } from './ask-status.ts';
import type { AttemptDeps } from './attempt-context.ts';
import { onlyHead, settle } from './task-writer.ts';

/** Jobs cleaned at the same time: more would starve the status calls of Pulsar's four threads. */
const AT_ONCE = 2;
/** Looks at a job that still tidies up before it is asked again later. */
const RETRY_MS = 1_000;

export type DebtDeps = Pick<
  AttemptDeps,
  'store' | 'clock' | 'logger' | 'transport' | 'assertOwner' | 'timing'
> & { readonly destination: string };

interface Owed {
  readonly task: Task;
  readonly debt: Debt;
}

export interface DebtPayer {
  /** Pays what is due, once; answers how much is still owed. */
  pay(signal: AbortSignal): Promise<number>;
  /** Slots of kills that are not confirmed: still in use. */
  slots(): readonly Slots[];
}

/** Whether nothing of the job can run any more. A restarted Pulsar may call an ended job running for ever: a kill reveals it. */
const isOver = async (deps: DebtDeps, { debt }: Owed, signal: AbortSignal): Promise<boolean> => {
  const { transport, timing, clock } = deps;
  const age = clock.now() - debt.not_before;
  const kill = debt.do === 'kill' || age > timing.settleMs;
  if (kill) await transport.kill(debt.job, { signal });
  const { final, status } = await askStatus(transport, debt.job, { signal });
  const neverSaysSo = status === 'preprocessing' || status === 'unknown';
  return final || (kill && neverSaysSo && age > timing.launchMs);
};

const payOne = async (deps: DebtDeps, owed: Owed, signal: AbortSignal): Promise<boolean> => {
  deps.assertOwner();
  const { job } = owed.debt;
  if (!(await isOver(deps, owed, signal))) return false;
  await deps.transport.clean(job, { signal });
  await settle(
    deps.store,
    owed.task.id,
    (task) =>
      task.head.debts.some((debt) => debt.job === job)
        ? onlyHead(paid(task, job, deps.clock.now()))
        : undefined,
    { signal },
  );
  return true;
};

export const createDebtPayer = (deps: DebtDeps): DebtPayer => {
  let killing: readonly Slots[] = [];
  const notBefore = new Map<string, number>();
  const postpone = (owed: Owed) => notBefore.set(owed.debt.job, deps.clock.monotonic() + RETRY_MS);
  const isDue = ({ debt }: Owed) =>
    debt.not_before <= deps.clock.now() && (notBefore.get(debt.job) ?? 0) <= deps.clock.monotonic();

  const tryOne = async (owed: Owed, signal: AbortSignal): Promise<number> => {
    try {
      const done = await payOne(deps, owed, signal);
      if (!done) postpone(owed);
      else notBefore.delete(owed.debt.job);
      return done ? 1 : 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!isMagnetarError(error) || error.code === 'LEASE_LOST') throw error;
      deps.logger.debug('a debt is not paid yet', {
        jobId: owed.debt.job,
        error: messageOf(error),
      });
      postpone(owed);
      return 0;
    }
  };

  return {
    async pay(signal) {
      const tasks = await deps.store.indebted(deps.destination, { signal });
      const all = tasks.flatMap((task) =>
        task.head.debts
          .filter((debt) => debt.destination === deps.destination)
          .map((debt): Owed => ({ task, debt })),
      );
      killing = all.flatMap(({ debt }) =>
        debt.do === 'kill' ? [debt.slots ?? { cores: 0, ram_bytes: 0 }] : [],
      );
      const due = all.filter(isDue);
      let done = 0;
      for (let n = 0; n < due.length; n += AT_ONCE) {
        const some = due.slice(n, n + AT_ONCE);
        const counts = await Promise.all(some.map((owed) => tryOne(owed, signal)));
        done += counts.reduce((sum, count) => sum + count, 0);
      }
      return all.length - done;
    },
    slots: () => killing,
  };
};
