/** The life of a task as pure functions: each takes the task and answers the head that the next write stores. */
import { cutStreams } from './full-logs.ts';
import type { JobId } from './ids.ts';
import { newJobId } from './ids.ts';
import type { Report, ReportState } from './report.ts';
import { attemptOfReport, reportParts } from './report-record.ts';
import { assertMove, isTerminal, type TaskState, type TerminalState } from './states.ts';
import type { Attempt, Debt, Part, Point, Run, Slots, Task, TaskHead, Transition } from './task.ts';

/** The job may still be tidying up when its report is here; cleaning waits this long. */
const CLEAN_DELAY_MS = 500;

/** A head and the parts that must be written before it. */
export interface HeadChange {
  readonly head: TaskHead;
  readonly parts: readonly Part[];
}

/** The active attempt; asking for it on a task without one is a programmer's error. */
export const runOf = (task: Task): Run => {
  if (task.head.run === undefined) throw new TypeError(`task ${task.id} has no active attempt`);
  return task.head.run;
};

interface Move {
  readonly to: TaskState;
  readonly at: number;
  readonly attempt: number;
  readonly reason?: string | undefined;
}

const moved = (head: TaskHead, { to, at, attempt, reason }: Move): TaskHead => {
  if (head.state === to) return { ...head, changed: at };
  assertMove(head.state, to);
  const entry: Transition = {
    seq: head.log.length + 1,
    attempt,
    from: head.state,
    to,
    at,
    ...(reason === undefined ? {} : { reason }),
  };
  return {
    ...head,
    state: to,
    changed: at,
    log: [...head.log, entry],
    ...(isTerminal(to) ? { ended: at, ready: false } : {}),
  };
};

const withoutRun = ({ run: _run, ...head }: TaskHead): TaskHead => head;

const withRun = (head: TaskHead, run: Run): TaskHead => ({ ...head, run });

/** Replaces the record of the active attempt. */
const closeAttempt = (
  attempts: readonly Attempt[],
  n: number,
  change: Partial<Attempt>,
): readonly Attempt[] =>
  attempts.map((attempt) => (attempt.n === n ? { ...attempt, ...change } : attempt));

export interface ClaimInput {
  readonly destination: string;
  readonly epoch: number;
  readonly slots: Slots;
  readonly now: number;
}

/** A destination takes a waiting task: a new attempt begins at `prepare`. */
export const claimed = (task: Task, input: ClaimInput): TaskHead => {
  const n = task.head.attempts.length + 1;
  const job = newJobId(task.id, n, 1);
  const head = moved(task.head, { to: 'INITIALIZING', at: input.now, attempt: n });
  return {
    ...head,
    ready: false,
    run: {
      n,
      try: 1,
      destination: input.destination,
      epoch: input.epoch,
      job,
      point: 'prepare',
      point_at: input.now,
      slots: input.slots,
      inbox: {},
    },
    attempts: [
      ...head.attempts,
      {
        n,
        destination: input.destination,
        job,
        start: input.now,
        executors: [],
        outputs_n: 0,
        metadata: {},
      },
    ],
  };
};

/** Records a point before its work starts. */
export const atPoint = (task: Task, point: Point, now: number): TaskHead =>
  withRun({ ...task.head, changed: now }, { ...runOf(task), point, point_at: now });

/** Starts the attempt over under a new job id: nothing of the old job can have run. */
export const redone = (task: Task, now: number): TaskHead => {
  const run = runOf(task);
  const job = newJobId(task.id, run.n, run.try + 1);
  return {
    ...withRun(
      { ...task.head, changed: now },
      { ...run, try: run.try + 1, job, point: 'prepare', point_at: now, inbox: {} },
    ),
    attempts: closeAttempt(task.head.attempts, run.n, { job }),
    debts: [...task.head.debts, killDebt(run, now)],
  };
};

/** The first container of the attempt runs. */
export const executing = (task: Task, now: number): TaskHead => {
  const run = runOf(task);
  return moved(task.head, { to: 'RUNNING', at: now, attempt: run.n });
};

/** What the job says that it moves; undefined = nothing any more. */
export const progressing = (task: Task, progress: string | undefined, now: number): TaskHead => {
  const { progress: _before, ...run } = runOf(task);
  const head = { ...task.head, changed: now };
  return withRun(head, progress === undefined ? run : { ...run, progress });
};

/** The job has ended and its outputs wait in it: the report is kept until they are stored. */
export const collecting = (task: Task, report: Report, now: number): TaskHead => {
  const ran = report.executors.length > 0 && task.head.state === 'INITIALIZING';
  const head = atPoint(ran ? { ...task, head: executing(task, now) } : task, 'collect', now);
  const run = runOf({ ...task, head });
  return withRun(head, { ...run, inbox: { ...run.inbox, report } });
};

const cleanDebt = (run: Run, now: number): Debt => ({
  job: run.job,
  destination: run.destination,
  do: 'clean',
  not_before: now + CLEAN_DELAY_MS,
});

/** Logs to be fetched from a job that has ended, for good, before it is removed. */
const keepOf = (report: Report | undefined): Pick<Debt, 'keep'> => {
  const keep = report === undefined ? 'all' : cutStreams(report);
  return keep.length === 0 ? {} : { keep };
};

const killDebt = (run: Run, now: number): Debt => ({
  job: run.job,
  destination: run.destination,
  do: 'kill',
  not_before: now,
  slots: run.slots,
});

const DEBTS: Readonly<Record<Closing['owed'], (run: Run, closing: Closing) => readonly Debt[]>> = {
  nothing: () => [],
  clean: (run, { now }) => [cleanDebt(run, now)],
  kill: (run, { now }) => [killDebt(run, now)],
};

const STATE_OF_REPORT: Readonly<Record<ReportState, TerminalState>> = {
  COMPLETE: 'COMPLETE',
  EXECUTOR_ERROR: 'EXECUTOR_ERROR',
  SYSTEM_ERROR: 'SYSTEM_ERROR',
  CANCELED: 'SYSTEM_ERROR', // nobody asked this server to cancel: the job was ended from outside
};

/** The attempt ended with a report: that is the end of the task. */
export const reported = (task: Task, report: Report, now: number): HeadChange => {
  const run = runOf(task);
  const to = STATE_OF_REPORT[report.state];
  const ran = report.executors.length > 0 && task.head.state === 'INITIALIZING';
  const started = ran ? executing(task, now) : task.head;
  const head = moved(withoutRun(started), {
    to,
    at: now,
    attempt: run.n,
    reason: report.error?.message,
  });
  return {
    head: {
      ...head,
      attempts: closeAttempt(head.attempts, run.n, attemptOfReport(report, now)),
      debts: [...head.debts, { ...cleanDebt(run, now), ...keepOf(report) }],
    },
    parts: reportParts(task, run, report),
  };
};

/** What is known of an attempt that is closed without a result. */
export interface Closing {
  readonly reason: string;
  readonly now: number;
  /** What is still owed for the job: `kill` while its end is not confirmed, nothing when it was never sent. */
  readonly owed: Debt['do'] | 'nothing';
  readonly report?: Report;
}

const closed = (task: Task, to: TaskState, closing: Closing): HeadChange => {
  const run = runOf(task);
  const { report, now, reason } = closing;
  const head = moved(withoutRun(task.head), { to, at: now, attempt: run.n, reason });
  const record = report === undefined ? { end: now } : attemptOfReport(report, now);
  const keep = isTerminal(to) ? keepOf(report) : {};
  const debts = DEBTS[closing.owed](run, closing).map((debt) => ({ ...debt, ...keep }));
  return {
    head: {
      ...head,
      attempts: closeAttempt(head.attempts, run.n, { ...record, reason }),
      debts: [...head.debts, ...debts],
    },
    parts: report === undefined ? [] : reportParts(task, run, report),
  };
};

/** The attempt is over without a result and the task ends with it. */
export const failed = (task: Task, closing: Closing): HeadChange =>
  closed(task, 'SYSTEM_ERROR', closing);

/**
 * The attempt is over without a result; the task waits for another one, shown as INITIALIZING. While a kill is owed nobody
 * may claim it: the last job must be closed before the next one starts.
 */
export const retried = (task: Task, closing: Closing): HeadChange => {
  const change = closed(task, 'INITIALIZING', closing);
  return { ...change, head: { ...change.head, ready: closing.owed !== 'kill' } };
};

/** The end of a task that was cancelled while an attempt was active. */
export const cancelled = (task: Task, closing: Closing): HeadChange =>
  closed(task, 'CANCELED', closing);

/** A waiting task ends without an attempt: cancelled, or it can never run. */
export const endedWaiting = (
  task: Task,
  to: 'CANCELED' | 'SYSTEM_ERROR',
  reason: string,
  now: number,
): TaskHead => moved(task.head, { to, at: now, attempt: task.head.attempts.length, reason });

/** A debt is paid; a task that waited for the end of its last job may be claimed again. */
export const paid = (task: Task, job: JobId, now: number): TaskHead => {
  const debts = task.head.debts.filter((debt) => debt.job !== job);
  const waits = !isTerminal(task.head.state) && task.head.run === undefined;
  const closedAll = debts.every((debt) => debt.do !== 'kill');
  return { ...task.head, changed: now, debts, ready: waits && closedAll };
};
