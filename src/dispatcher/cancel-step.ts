/** A wish to cancel on an active attempt: tell Pulsar, again and again, until the end of the job is confirmed. */
import { backoffDelayMs } from '../kernel/backoff.ts';
import { isMagnetarError } from '../kernel/errors.ts';
import { runOf } from '../tasks/attempts.ts';
import type { JobStatus, PulsarStatus } from '../tasks/ports/job-transport.ts';
import { untilReachable, type StepInput, type StepResult } from './attempt-context.ts';
import { askStatus } from './ask-status.ts';
import { closeAsCancelled, closeWithReport } from './closing.ts';
import { fetchReport, isKilled, reportOf, sawHeartbeat } from './follow-step.ts';

/** Pulsar calls the job over: that is believed once the runner's side proves it, or nothing stirs any more. */
const confirm = async (input: StepInput, status: JobStatus): Promise<StepResult> => {
  const { deps, task, watch } = input;
  const report = reportOf(input, status) ?? (await fetchReport(input));
  if (report !== undefined) return closeWithReport(input, report);
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

const killAndLook = async (input: StepInput): Promise<StepResult> => {
  const { deps, watch } = input;
  deps.assertOwner();
  await deps.transport.kill(watch.job, { signal: input.signal });
  const answer = await askStatus(deps.transport, watch.job, input);
  if (answer.final || answer.status === 'unknown') {
    const result = await confirm(input, answer);
    watch.unreachableSince = undefined;
    return result;
  }
  watch.unreachableSince = undefined;
  if (neverLaunched(input, answer.status))
    await deps.transport.clean(watch.job, { signal: input.signal });
  const waitMs = backoffDelayMs(deps.timing.kill, watch.polls, deps.random());
  watch.polls += 1;
  return { waitMs };
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
    return await killAndLook(input);
  } catch (error) {
    input.signal.throwIfAborted();
    if (input.look.aborted) return 'again';
    if (!isMagnetarError(error) || error.code === 'LEASE_LOST') throw error;
    return onUnreachable(input, error);
  }
};
