/** Ends of an attempt, decided on the document as it is when they are written. */
import { isMagnetarError, messageOf } from '../kernel/errors.ts';
import {
  cancelled,
  failed,
  reported,
  retried,
  runOf,
  type Closing,
  type HeadChange,
} from '../tasks/attempts.ts';
import type { Report } from '../tasks/report.ts';
import type { Task } from '../tasks/task.ts';
import type { StepInput, StepResult } from './attempt-context.ts';
import { mayHaveBegun } from './began.ts';
import { wholeReport } from './whole-report.ts';
import { settle } from './task-writer.ts';
import { MAX_ATTEMPTS } from './timing.ts';

/** Whether the document still shows the attempt that the step was about; another job or another owner is none of its business. */
const isCurrent = (task: Task, seen: Task): boolean => {
  const run = runOf(seen);
  return task.head.run?.job === run.job && task.head.run.epoch === run.epoch;
};

const write = async (
  { deps, task: seen, signal }: StepInput,
  decide: (task: Task) => HeadChange,
): Promise<'again'> => {
  const before = seen.head.state;
  const after = await settle(
    deps.store,
    seen.id,
    (task) => (isCurrent(task, seen) ? decide(task) : undefined),
    { signal },
  );
  deps.logger.info('attempt closed', { from: before, to: after?.head.state });
  return 'again';
};

/** The report is here; a wish recorded before this write wins over it. */
export const closeWithReport = async (input: StepInput, report: Report): Promise<StepResult> => {
  const whole = await wholeReport(input, report);
  if ('waitMs' in whole) return whole;
  return write(input, (task) => {
    const now = input.deps.clock.now();
    const wish = task.head.cancel;
    return wish === undefined
      ? reported(task, whole, now)
      : cancelled(task, { reason: wish.reason, now, owed: 'clean', report: whole });
  });
};

/** The attempt is over without a report: another one when none of its containers can have started and tries are left. */
export const closeAsLost = async (
  input: StepInput,
  reason: string,
  owed: Closing['owed'],
): Promise<'again'> => {
  const began = await mayHaveBegun(input);
  return write(input, (task) => {
    const closing = { reason, now: input.deps.clock.now(), owed };
    if (task.head.cancel !== undefined) {
      return cancelled(task, { ...closing, reason: task.head.cancel.reason });
    }
    const mayRetry =
      !began &&
      task.head.run?.inbox.executing === undefined &&
      task.head.state === 'INITIALIZING' &&
      task.head.attempts.length < MAX_ATTEMPTS;
    return mayRetry ? retried(task, closing) : failed(task, closing);
  });
};

/** Trying again would end the same way. */
export const closeAsFailed = (
  input: StepInput,
  error: unknown,
  owed: Closing['owed'] = 'nothing',
): Promise<'again'> =>
  write(input, (task) => {
    const wish = task.head.cancel;
    const why = isMagnetarError(error) ? `${error.code}: ${error.message}` : messageOf(error);
    const closing = { now: input.deps.clock.now(), owed };
    return wish === undefined
      ? failed(task, { ...closing, reason: why })
      : cancelled(task, { ...closing, reason: wish.reason });
  });

/** The end of the job is confirmed, or given up on with a kill still owed. */
export const closeAsCancelled = (
  input: StepInput,
  owed: Closing['owed'],
  remark?: string,
): Promise<'again'> =>
  write(input, (task) => {
    const wish = task.head.cancel?.reason ?? 'cancelled';
    const reason = remark === undefined ? wish : `${wish}; ${remark}`;
    return cancelled(task, { reason, now: input.deps.clock.now(), owed });
  });
