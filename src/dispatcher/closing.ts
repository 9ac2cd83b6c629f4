/** Ends of an attempt, decided on the document as it is when they are written. */
import { isMagnetarError, messageOf } from '../kernel/errors.ts';
import {
  cancelled,
  collecting,
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
import { onlyHead, settle, writeOnce } from './task-writer.ts';
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

const asItIs = (report: Report): Report => report;

/** The report is here; a wish recorded before this write wins over it. `amend` adds what the report cannot know. */
export const closeWithReport = async (
  input: StepInput,
  report: Report,
  amend: (whole: Report) => Report = asItIs,
): Promise<StepResult> => {
  const found = await wholeReport(input, report);
  if ('waitMs' in found) return found;
  const whole = amend(found);
  return write(input, (task) => {
    const now = input.deps.clock.now();
    const wish = task.head.cancel;
    return wish === undefined
      ? reported(task, whole, now)
      : cancelled(task, { reason: wish.reason, now, owed: 'clean', report: whole });
  });
};

/** The job has ended with a report. Outputs that wait in it are stored before its task ends; the record says so first. */
export const endWithReport = async (input: StepInput, report: Report): Promise<StepResult> => {
  if (report.pushed === undefined || report.pushed === 0) return closeWithReport(input, report);
  const { deps, task, signal } = input;
  const head = collecting(task, report, deps.clock.now());
  await writeOnce(deps.store, task, onlyHead(head), { signal, uncancelled: true });
  return 'again';
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
