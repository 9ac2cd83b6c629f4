/** Pays what is owed on a destination: ends jobs that must not live and removes what ended jobs left. */
import { backoffDelayMs, type BackoffPolicy } from '../kernel/backoff.ts';
import { isMagnetarError, messageOf } from '../kernel/errors.ts';
import { paid } from '../tasks/attempts.ts';
import { logFileOf, withCutMarked, type CutStream } from '../tasks/full-logs.ts';
import type { OwedDebt } from '../tasks/ports/task-store.ts';
import type { Debt, Slots } from '../tasks/task.ts';
import { askStatus } from './ask-status.ts';
import type { AttemptDeps } from './attempt-context.ts';
import { isThere } from './is-there.ts';
import { onlyHead, settle } from './task-writer.ts';

/** Jobs cleaned at the same time: more would starve the status calls of Pulsar's four threads. */
const AT_ONCE = 2;
/** Looks at a job that still tidies up, or at a Pulsar that does not answer. */
const AGAIN: BackoffPolicy = { firstMs: 1_000, factor: 1.5, maxMs: 60_000 };
/** So many looks in vain are worth a line in the log. */
const WORTH_A_WARNING = 8;
export type DebtDeps = Pick<
  AttemptDeps,
  | 'store'
  | 'clock'
  | 'logger'
  | 'transport'
  | 'logs'
  | 'destination'
  | 'assertOwner'
  | 'timing'
  | 'random'
>;

export interface DebtPayer {
  /** Pays what is due, once. */
  pay(signal: AbortSignal): Promise<void>;
}

/** Slots of kills that are not confirmed: still in use. */
export const slotsOwed = (owed: readonly OwedDebt[]): readonly Slots[] =>
  owed.flatMap(({ debt }) =>
    debt.do === 'kill' ? [debt.slots ?? { cores: 0, ram_bytes: 0 }] : [],
  );

/** The runner's own side says that nothing of the job runs: its report, or the mark of its watchdog. */
const isProven = async (
  { transport }: DebtDeps,
  { job }: Debt,
  signal: AbortSignal,
): Promise<boolean> =>
  (await isThere(transport, job, 'tes/killed', { signal })) ||
  isThere(transport, job, 'tes/report.json', { signal });

/** Whether nothing of the job can run any more. A restarted Pulsar may call an ended job running for ever: a kill reveals it. */
const isOver = async (
  deps: DebtDeps,
  { debt }: OwedDebt,
  signal: AbortSignal,
): Promise<boolean> => {
  const { transport, timing, clock } = deps;
  const age = clock.now() - debt.not_before;
  const kill = debt.do === 'kill' || age > timing.settleMs;
  if (kill) await transport.kill(debt.job, { signal });
  const { final, status } = await askStatus(transport, debt.job, { signal });
  const neverSaysSo = status === 'preprocessing' || status === 'unknown';
  if (!final) return kill && neverSaysSo && age > timing.launchMs;
  return debt.do === 'clean' || age > timing.settleMs || isProven(deps, debt, signal);
};

/** Number of the attempt that left the debt. */
const attemptOf = async (
  { store }: DebtDeps,
  { task, debt }: OwedDebt,
  signal: AbortSignal,
): Promise<number> => {
  const found = await store.get(task, 'all', { signal });
  return found?.head.attempts.find(({ job }) => job === debt.job)?.n ?? 0;
};

/** A log that cannot be kept is said and given up; a Pulsar that does not answer is asked again with the rest of the debt. */
const keepLog = async (
  deps: DebtDeps,
  { task, debt }: OwedDebt,
  log: CutStream,
  signal: AbortSignal,
): Promise<void> => {
  const attempt = await attemptOf(deps, { task, debt }, signal);
  const name = { task, attempt, executor: log.executor, stream: log.stream };
  const take = (pieces: AsyncIterable<Uint8Array>): Promise<void> =>
    deps.logs.keep(name, withCutMarked(pieces, log.bytes), { signal });
  const options = { signal, maxBytes: deps.destination.limits.log_bytes };
  try {
    await deps.transport.download(debt.job, logFileOf(log), take, options);
  } catch (error) {
    signal.throwIfAborted();
    if (isMagnetarError(error) && error.row.retryable) throw error;
    const why = messageOf(error);
    deps.logger.warn('a full log could not be kept', { jobId: debt.job, ...log, why });
  }
};

const payOne = async (deps: DebtDeps, owed: OwedDebt, signal: AbortSignal): Promise<boolean> => {
  deps.assertOwner();
  const { job } = owed.debt;
  if (!(await isOver(deps, owed, signal))) return false;
  for (const log of owed.debt.keep ?? []) await keepLog(deps, owed, log, signal);
  await deps.transport.clean(job, { signal });
  await settle(
    deps.store,
    owed.task,
    (task) =>
      task.head.debts.some((debt) => debt.job === job)
        ? onlyHead(paid(task, job, deps.clock.now()))
        : undefined,
    { signal },
  );
  return true;
};

/** Debts that could not be paid, and when each is looked at again. */
const createPatience = ({ clock, logger, random }: DebtDeps) => {
  const waiting = new Map<string, { readonly looks: number; readonly at: number }>();
  return {
    isDue: ({ debt }: OwedDebt): boolean =>
      debt.not_before <= clock.now() && (waiting.get(debt.job)?.at ?? 0) <= clock.monotonic(),
    forget: ({ debt }: OwedDebt): void => {
      waiting.delete(debt.job);
    },
    postpone: ({ debt, task }: OwedDebt, why: string): void => {
      const looks = (waiting.get(debt.job)?.looks ?? 0) + 1;
      const at = clock.monotonic() + backoffDelayMs(AGAIN, looks - 1, random());
      waiting.set(debt.job, { looks, at });
      if (looks !== WORTH_A_WARNING) return;
      logger.warn('a job cannot be cleaned up yet', { taskId: task, jobId: debt.job, why });
    },
  };
};

export const createDebtPayer = (deps: DebtDeps): DebtPayer => {
  const patience = createPatience(deps);

  const tryOne = async (owed: OwedDebt, signal: AbortSignal): Promise<void> => {
    try {
      if (await payOne(deps, owed, signal)) patience.forget(owed);
      else patience.postpone(owed, 'Pulsar does not call it over');
    } catch (error) {
      signal.throwIfAborted();
      if (!isMagnetarError(error) || error.code === 'LEASE_LOST') throw error;
      patience.postpone(owed, messageOf(error));
    }
  };

  return {
    async pay(signal) {
      const { name } = deps.destination;
      const due = (await deps.store.debts(name, { signal })).filter(patience.isDue);
      for (let n = 0; n < due.length; n += AT_ONCE) {
        const some = due.slice(n, n + AT_ONCE);
        await Promise.all(some.map((owed) => tryOne(owed, signal)));
      }
    },
  };
};
