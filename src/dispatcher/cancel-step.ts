/** A wish to cancel on an active attempt: its runner is asked to stop, then Pulsar to kill, again and again, until the end of the job is confirmed. */
import { backoffDelayMs } from '../kernel/backoff.ts';
import { isMagnetarError } from '../kernel/errors.ts';
import { runOf } from '../tasks/attempts.ts';
import type { JobStatus, PulsarStatus } from '../tasks/ports/job-transport.ts';
import {
  untilReachable,
  type CancelWatch,
  type StepInput,
  type StepResult,
} from './attempt-context.ts';
import { askStatus } from './ask-status.ts';
import { closeAsCancelled, closeWithReport } from './closing.ts';
import { isKilled, sawHeartbeat } from './follow-step.ts';
import { fetchReport, isUnreadable, reportOf } from './job-report.ts';

/** Pulsar calls the job over: that is believed once the runner's side proves it, or nothing stirs any more. */
const confirm = async (input: StepInput, status: JobStatus): Promise<StepResult> => {
  const { deps, task, watch } = input;
  const report = reportOf(input, status) ?? (await fetchReport(input));
  if (report !== undefined && !isUnreadable(report)) return closeWithReport(input, report);
  if (await isKilled(input)) return closeAsCancelled(input, 'clean');
  const now = deps.clock.monotonic();
  const stirred = await sawHeartbeat(input);
  const started = watch.heartbeat !== '' || runOf(task).inbox.started !== undefined;
  watch.overSince ??= now;
  if (stirred) watch.overSince = now;
  const quietEnough = now - watch.overSince >= (started ? deps.timing.settleMs : 1_000);
  return quietEnough ? closeAsCancelled(input, 'clean') : { waitMs: 100 };
};

/** Pulsar ignores a kill of what was set up but never launched: removing its folder ends it, whatever state it is in. */
const neverLaunched = ({ deps, task, watch }: StepInput, status: PulsarStatus): boolean => {
  if (status !== 'preprocessing' || runOf(task).inbox.started !== undefined) return false;
  const now = deps.clock.monotonic();
  watch.unlaunchedSince ??= now;
  return now - watch.unlaunchedSince >= deps.timing.launchMs;
};

/** How much longer the runner may take to stop; a job that waits in a batch system has no runner yet. */
const patienceMs = ({ deps }: StepInput, cancel: CancelWatch, status: PulsarStatus): number => {
  const { destination, timing, clock } = deps;
  if (status === 'queued' && destination.queues) return 0;
  const all = destination.limits.grace_s * 1_000 + timing.stopMs;
  return all - (clock.monotonic() - cancel.since);
};

const askToStop = async (
  { deps, watch, signal }: StepInput,
  cancel: CancelWatch,
): Promise<void> => {
  if (cancel.asked) return;
  try {
    await deps.transport.askToStop(watch.job, { signal });
    cancel.asked = true;
  } catch (error) {
    signal.throwIfAborted();
    if (!isMagnetarError(error)) throw error;
    deps.logger.warn('the runner cannot be asked to stop', { error });
  }
};

const nextLookMs = ({ deps }: StepInput, cancel: CancelWatch): number => {
  cancel.looks += 1;
  return backoffDelayMs(deps.timing.kill, cancel.looks - 1, deps.random());
};

/** The runner did not stop, or there is none. A restarted Pulsar may call an ended job running: its report is looked for first. */
const kill = async (input: StepInput, cancel: CancelWatch): Promise<StepResult> => {
  const { deps, watch, signal } = input;
  const report = await fetchReport(input);
  if (report !== undefined && !isUnreadable(report)) return closeWithReport(input, report);
  await deps.transport.kill(watch.job, { signal });
  const answer = await askStatus(deps.transport, watch.job, input);
  const mayBeOver = answer.final || answer.status === 'unknown';
  return mayBeOver ? confirm(input, answer) : { waitMs: nextLookMs(input, cancel) };
};

const endJob = async (input: StepInput): Promise<StepResult> => {
  const { deps, watch, signal } = input;
  deps.assertOwner();
  const cancel = (watch.cancel ??= { since: deps.clock.monotonic(), asked: false, looks: 0 });
  const answer = await askStatus(deps.transport, watch.job, input);
  if (answer.final) return confirm(input, answer);
  await askToStop(input, cancel);
  if (neverLaunched(input, answer.status)) await deps.transport.clean(watch.job, { signal });
  const left = patienceMs(input, cancel, answer.status);
  return left > 0 ? { waitMs: Math.min(left, nextLookMs(input, cancel)) } : kill(input, cancel);
};

const onUnreachable = (input: StepInput, error: unknown): Promise<StepResult> | StepResult => {
  const { deps, watch } = input;
  const now = deps.clock.monotonic();
  watch.unreachableSince ??= now;
  if (now - watch.unreachableSince > deps.timing.giveUpKillMs) {
    return closeAsCancelled(
      input,
      'kill',
      'the Pulsar does not answer, the job will be killed when it does',
    );
  }
  return untilReachable(input, error);
};

export const cancelStep = async (input: StepInput): Promise<StepResult> => {
  const { point, inbox } = runOf(input.task);
  if (inbox.report !== undefined) return closeWithReport(input, inbox.report);
  if (point === 'prepare') return closeAsCancelled(input, 'nothing');
  try {
    const result = await endJob(input);
    input.watch.unreachableSince = undefined;
    return result;
  } catch (error) {
    input.signal.throwIfAborted();
    if (input.look.aborted) return 'again';
    if (!isMagnetarError(error) || error.code === 'LEASE_LOST') throw error;
    return onUnreachable(input, error);
  }
};
