/** Pays what is owed on a destination: ends jobs that must not live and removes what ended jobs left. */
import { backoffDelayMs, type BackoffPolicy } from '../kernel/backoff.ts';
import { isMagnetarError, messageOf } from '../kernel/errors.ts';
import { paid } from '../tasks/attempts.ts';
import { logFileOf, wholeStreams, withCutMarked, type CutStream } from '../tasks/full-logs.ts';
import type { JobId, TaskId } from '../tasks/ids.ts';
import { METADATA_FILES } from '../tasks/metadata-files.ts';
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
  (await isThere(transport, job, METADATA_FILES.killed, { signal })) ||
  isThere(transport, job, METADATA_FILES.report, { signal });

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

/** An attempt whose logs are kept. */
interface Logs {
  readonly task: TaskId;
  readonly attempt: number;
  readonly job: JobId;
}

/** False when there is nothing to be had, which is said when there should be; a Pulsar that does not answer is asked again with the rest of the debt. */
const keepLog = async (
  deps: DebtDeps,
  { task, attempt, job }: Logs,
  log: CutStream,
  signal: AbortSignal,
): Promise<boolean> => {
  const name = { task, attempt, executor: log.executor, stream: log.stream };
  const take = (pieces: AsyncIterable<Uint8Array>): Promise<void> =>
    deps.logs.keep(name, withCutMarked(pieces, log.bytes), { signal });
  const options = { signal, maxBytes: deps.destination.limits.log_bytes };
  try {
    return await deps.transport.download(job, logFileOf(log), take, options);
  } catch (error) {
    signal.throwIfAborted();
    if (isMagnetarError(error) && error.row.retryable) throw error;
    const why = messageOf(error);
    deps.logger.warn('a full log could not be kept', { jobId: job, ...log, why });
    return false;
  }
};

/** Executors run one after another, and their logs are there from before they begin. */
const keepAll = async (
  deps: DebtDeps,
  logs: Logs,
  executors: number,
  signal: AbortSignal,
): Promise<void> => {
  for (let executor = 0; executor < executors; executor += 1) {
    const found: boolean[] = [];
    for (const log of wholeStreams(executor)) found.push(await keepLog(deps, logs, log, signal));
    if (!found.includes(true)) return;
  }
};

/** The task itself is read only when there is something to keep. */
const keepLogs = async (deps: DebtDeps, owed: OwedDebt, signal: AbortSignal): Promise<void> => {
  const { job, keep } = owed.debt;
  const task = keep === undefined ? undefined : await deps.store.get(owed.task, 'all', { signal });
  if (task === undefined || keep === undefined) return;
  const attempt = task.head.attempts.find((one) => one.job === job)?.n ?? 0;
  const logs = { task: task.id, attempt, job };
  if (keep === 'all') await keepAll(deps, logs, task.spec.executors.length, signal);
  else for (const log of keep) await keepLog(deps, logs, log, signal);
};

const payOne = async (deps: DebtDeps, owed: OwedDebt, signal: AbortSignal): Promise<boolean> => {
  deps.assertOwner();
  const { job } = owed.debt;
  if (!(await isOver(deps, owed, signal))) return false;
  await keepLogs(deps, owed, signal);
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
