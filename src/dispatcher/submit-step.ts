/** From `prepare` to `run`: the job is sent once, or found again after a restart. */
import { isMagnetarError, type ErrorCode } from '../kernel/errors.ts';
import { atPoint, redone, runOf, type Closing } from '../tasks/attempts.ts';
import { HEARTBEAT_MAX_BYTES, METADATA_FILES } from '../tasks/metadata-files.ts';
import type { PulsarStatus } from '../tasks/ports/job-transport.ts';
import {
  untilNextPoll,
  untilReachable,
  type StepInput,
  type StepResult,
} from './attempt-context.ts';
import { askStatus } from './ask-status.ts';
import { closeAsFailed, closeAsLost } from './closing.ts';
import { jobSetupOf, type JobSetup } from './job-files.ts';
import { InputFailure, stageInputs, stagingLine } from './stage-inputs.ts';
import { onlyHead, settle, writeOnce } from './task-writer.ts';
import { MAX_TRIES } from './timing.ts';
import { whileWanted } from './wanted.ts';

const recordRun = async (input: StepInput): Promise<StepResult> => {
  const { deps, task, signal } = input;
  const { job } = runOf(task);
  await settle(
    deps.store,
    task.id,
    (now) =>
      now.head.run?.job === job && now.head.run.point === 'submit'
        ? onlyHead(atPoint(now, 'run', deps.clock.now()))
        : undefined,
    { signal },
  );
  return untilNextPoll(input);
};

/** First what the job cannot fetch itself, which may take hours. */
const lay = async (input: StepInput, { files, inputs }: JobSetup): Promise<StepResult> => {
  const { deps, task, signal } = input;
  await stageInputs(input, inputs);
  deps.assertOwner();
  await deps.transport.submit(runOf(task).job, files, { signal });
  return recordRun(input);
};

const send = async (input: StepInput, setup: JobSetup): Promise<StepResult> => {
  const { deps, watch } = input;
  deps.assertOwner();
  try {
    return await (setup.inputs.items.length === 0
      ? lay(input, setup)
      : whileWanted(
          input,
          () => stagingLine(watch),
          (wanted) => lay(wanted, setup),
        ));
  } catch (error) {
    input.signal.throwIfAborted();
    if (error instanceof InputFailure) return closeAsFailed(input, error, 'kill');
    if (!isMagnetarError(error) || error.code === 'LEASE_LOST') throw error;
    if (isMagnetarError(error, 'PULSAR_REFUSED')) {
      const since = watch.refused?.since ?? deps.clock.monotonic();
      watch.refused = { since, why: error.message };
    }
    return untilReachable(input, error);
  }
};

/** Trying again would end the same way. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['NO_METHOD', 'SECRET_UNREADABLE']);

/** Makes what the job starts with for `use`. Data that no method moves (any more) ends the task. */
const withSetup = async (
  input: StepInput,
  owed: Closing['owed'],
  use: (setup: JobSetup) => Promise<StepResult>,
): Promise<StepResult> => {
  let setup: JobSetup;
  try {
    setup = await jobSetupOf(input);
  } catch (error) {
    if (isMagnetarError(error) && HOPELESS.has(error.code))
      return closeAsFailed(input, error, owed);
    throw error;
  }
  return use(setup);
};

/** What was sent before may lie there, and start. */
const sendAgain = (input: StepInput): Promise<StepResult> =>
  withSetup(input, 'kill', (setup) => send(input, setup));

/** `prepare`: everything that can fail without Pulsar, then the record, then the job is sent. */
export const prepareStep = (input: StepInput): Promise<StepResult> =>
  withSetup(input, 'nothing', async (setup) => {
    const { deps, task, signal } = input;
    const head = atPoint(task, 'submit', deps.clock.now());
    const options = { signal, uncancelled: true } as const;
    const recorded = await writeOnce(deps.store, task, onlyHead(head), options);
    return recorded === undefined ? 'again' : send({ ...input, task: recorded }, setup);
  });

/** A Pulsar that refuses what it is sent needs its operator: the job waits for a while, then the refusal is the reason. */
const onLost = async (input: StepInput): Promise<StepResult> => {
  const { deps, task, watch, signal } = input;
  const { refused } = watch;
  if (refused !== undefined) {
    const waited = deps.clock.monotonic() - refused.since;
    return waited < deps.timing.startMs
      ? sendAgain(input)
      : closeAsLost(input, `Pulsar does not take the job: ${refused.why}`, 'clean');
  }
  if (runOf(task).try >= MAX_TRIES) {
    return closeAsLost(input, 'the Pulsar lost the job each time it was sent', 'kill');
  }
  await writeOnce(deps.store, task, onlyHead(redone(task, deps.clock.now())), {
    signal,
    uncancelled: true,
  });
  return 'again';
};

/** Words that let a job be sent once more. Pulsar may say them of one that runs, as `lost` while it recovers the ids of a batch system: the heartbeat is looked for first. */
const UNSTARTED: ReadonlySet<PulsarStatus> = new Set<PulsarStatus>(['preprocessing', 'lost']);

/** What Pulsar says of a job that was perhaps sent → what to do. Only a job that never started may be sent again. */
const ON_FOUND: Readonly<Record<PulsarStatus, (input: StepInput) => Promise<StepResult>>> = {
  preprocessing: sendAgain,
  lost: onLost,
  queued: recordRun,
  running: recordRun,
  postprocessing: recordRun,
  complete: recordRun,
  cancelled: recordRun,
  failed: recordRun,
  unknown: recordRun,
};

/** `submit`: the record says it was sent, nobody knows whether it arrived. */
export const resumeSubmitStep = async (input: StepInput): Promise<StepResult> => {
  const { deps, task } = input;
  const { job, inbox } = runOf(task);
  if (inbox.started !== undefined || inbox.executing !== undefined) return recordRun(input);
  try {
    const { status } = await askStatus(deps.transport, job, input);
    const heartbeat = UNSTARTED.has(status)
      ? await deps.transport.fetch(job, METADATA_FILES.heartbeat, {
          signal: input.signal,
          maxBytes: HEARTBEAT_MAX_BYTES,
        })
      : undefined;
    return await (heartbeat === undefined ? ON_FOUND[status](input) : recordRun(input));
  } catch (error) {
    input.signal.throwIfAborted();
    if (!isMagnetarError(error)) throw error;
    return untilReachable(input, error);
  }
};
