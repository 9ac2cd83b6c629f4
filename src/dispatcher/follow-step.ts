/** `run`: beacons tell most; polls are the safety net. The runner's report is the truth, Pulsar's status a hint. */
import { isMagnetarError } from '../kernel/errors.ts';
import { executing, progressing, runOf } from '../tasks/attempts.ts';
import { HEARTBEAT_MAX_BYTES, METADATA_FILES } from '../tasks/metadata-files.ts';
import type { JobStatus } from '../tasks/ports/job-transport.ts';
import type { Report } from '../tasks/report.ts';
import type { Unreadable } from '../tasks/runner-schema.ts';
import {
  untilNextPoll,
  untilReachable,
  type StepInput,
  type StepResult,
} from './attempt-context.ts';
import { askStatus } from './ask-status.ts';
import { isThere } from './is-there.ts';
import { closeAsFailed, closeAsLost, endWithReport } from './closing.ts';
import { fetchReport, isUnreadable, reportOf } from './job-report.ts';
import { onlyHead, writeOnce } from './task-writer.ts';

/** The watchdog's mark: the runner was killed, and nothing of the job runs any more. */
export const isKilled = ({ deps, watch, look }: StepInput): Promise<boolean> =>
  isThere(deps.transport, watch.job, METADATA_FILES.killed, { signal: look });

/** Looks at the heartbeat; true when it has changed since the last look. */
export const sawHeartbeat = async (input: StepInput): Promise<boolean> => {
  const { deps, watch } = input;
  const bytes = await deps.transport.fetch(watch.job, METADATA_FILES.heartbeat, {
    signal: input.look,
    maxBytes: HEARTBEAT_MAX_BYTES,
  });
  const text = bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
  if (text === '' || text === watch.heartbeat) return false;
  watch.heartbeat = text;
  watch.lastLife = deps.clock.monotonic();
  return true;
};

/** The job has ended; when nobody can tell how, the task ends with it, after a short while for a transfer that went wrong. */
const onReport = (
  input: StepInput,
  report: Report | Unreadable,
): Promise<StepResult> | StepResult => {
  if (!isUnreadable(report)) return endWithReport(input, report);
  const { deps, watch } = input;
  const now = deps.clock.monotonic();
  watch.unreadableSince ??= now;
  const why = `the report of the job cannot be read: ${report.unreadable}`;
  return now - watch.unreadableSince < deps.timing.settleMs
    ? { waitMs: deps.timing.settleMs / 8 }
    : closeAsFailed(input, why, 'clean');
};

/** Pulsar calls the job over and there is no report: it closes once nothing has stirred for a while. */
const onOver = async (input: StepInput, status: JobStatus): Promise<StepResult> => {
  const { deps, watch } = input;
  const now = deps.clock.monotonic();
  const report = reportOf(input, status) ?? (await fetchReport(input));
  if (report !== undefined) return onReport(input, report);
  if (await sawHeartbeat(input)) watch.overSince = undefined;
  watch.overSince ??= now;
  if (now - watch.overSince < deps.timing.settleMs) return { waitMs: deps.timing.settleMs / 8 };
  const text = status.failure === undefined ? '' : `: ${status.failure.slice(0, 2000)}`;
  return closeAsLost(
    input,
    `Pulsar says "${status.status}" and the job left no report${text}`,
    'kill',
  );
};

/** Pulsar believes that the job goes on; after a restart it may believe so for ever. */
const onGoing = async (input: StepInput, status: JobStatus): Promise<StepResult> => {
  const { deps, task, watch } = input;
  const quiet = deps.clock.monotonic() - watch.lastLife;
  watch.overSince = undefined;
  if (status.status === 'queued' && deps.destination.queues) {
    watch.lastLife = deps.clock.monotonic();
    return untilNextPoll(input);
  }
  if (quiet < deps.timing.quietMs) return untilNextPoll(input);
  const report = await fetchReport(input);
  if (report !== undefined) return onReport(input, report);
  if (await sawHeartbeat(input)) return untilNextPoll(input);
  if (await isKilled(input)) return closeAsLost(input, 'the runner of the job was killed', 'clean');
  const started = watch.heartbeat !== '' || runOf(task).inbox.started !== undefined;
  const limit = started ? deps.timing.silenceMs : deps.timing.startMs;
  return quiet < limit
    ? untilNextPoll(input)
    : closeAsLost(input, 'the job gives no sign of life any more', 'kill');
};

const poll = async (input: StepInput): Promise<StepResult> => {
  const { deps, watch } = input;
  try {
    const status = await askStatus(deps.transport, watch.job, { signal: input.look });
    watch.failures = 0;
    return await (status.final ? onOver(input, status) : onGoing(input, status));
  } catch (error) {
    input.signal.throwIfAborted();
    if (input.look.aborted) return 'again'; // something changed, which says more than the answer we waited for
    if (!isMagnetarError(error)) throw error;
    watch.lastLife = deps.clock.monotonic(); // silence proves nothing while nobody can be asked
    return untilReachable(input, error);
  }
};

/** Follows a job that was sent. `rung` = something about the task changed, so that no poll is due. */
export const followStep = async (input: StepInput, rung: boolean): Promise<StepResult> => {
  const { deps, task, watch, signal } = input;
  const { inbox } = runOf(task);
  if (inbox.report !== undefined) return endWithReport(input, inbox.report);
  if (inbox.executing !== undefined && task.head.state === 'INITIALIZING') {
    const head = executing(task, deps.clock.now());
    await writeOnce(deps.store, task, onlyHead(head), { signal });
    return 'wait';
  }
  if (runOf(task).progress !== watch.progress) {
    const head = progressing(task, watch.progress, deps.clock.now());
    await writeOnce(deps.store, task, onlyHead(head), { signal });
    return 'wait';
  }
  return rung ? 'wait' : poll(input);
};
