/** Drives one attempt from its recorded point to its end; a restarted server enters at the same point. */
import { linkAbort, type LinkedAbort } from '../kernel/link-abort.ts';
import { createWake, type Wake } from '../kernel/wake.ts';
import { runOf } from '../tasks/attempts.ts';
import type { JobId } from '../tasks/ids.ts';
import type { Task } from '../tasks/task.ts';
import {
  hear,
  newWatch,
  type AttemptDeps,
  type StepInput,
  type StepResult,
  type Watch,
} from './attempt-context.ts';
import { cancelStep } from './cancel-step.ts';
import { collectStep } from './collect-step.ts';
import { followStep } from './follow-step.ts';
import { prepareStep, resumeSubmitStep } from './submit-step.ts';

const FAULT_WAIT_MS = 1_000;

export interface AttemptDriver {
  /** Something about the task changed: look again. */
  ring(): void;
  /** A job gave a sign of life that is not stored; that of an older job is none. */
  alive(job: JobId, progress: string | undefined): void;
  /** Ends when the attempt is closed or belongs to another owner; rejects when the signal aborts. */
  readonly done: Promise<void>;
}

const step = (input: StepInput, rung: boolean): Promise<StepResult> => {
  if (input.task.head.cancel !== undefined) return cancelStep(input);
  switch (runOf(input.task).point) {
    case 'prepare':
      return prepareStep(input);
    case 'submit':
      return resumeSubmitStep(input);
    case 'run':
      return followStep(input, rung);
    case 'collect':
      return collectStep(input);
  }
};

/** A fault of the store or of this program must not end the watch over a job: say it, wait, go on. */
const guarded = async (input: StepInput, rung: boolean): Promise<StepResult> => {
  try {
    return await step(input, rung);
  } catch (error) {
    input.signal.throwIfAborted();
    input.deps.logger.error('a step of the attempt failed', { error });
    return { waitMs: FAULT_WAIT_MS };
  }
};

const isOurs = (task: Task | undefined, first: Task): task is Task =>
  task?.head.run !== undefined &&
  task.head.run.n === runOf(first).n &&
  task.head.run.epoch === runOf(first).epoch;

interface Drive {
  readonly deps: AttemptDeps;
  readonly first: Task;
  readonly wake: Wake;
  readonly signal: AbortSignal;
  watch: Watch;
  /** The step under way, as far as it only looks. */
  looking: LinkedAbort | undefined;
}

const read = async ({ deps, first, signal }: Drive): Promise<Task | undefined> => {
  for (;;) {
    try {
      return await deps.store.get(first.id, 'all', { signal });
    } catch (error) {
      signal.throwIfAborted();
      deps.logger.error('the task cannot be read', { error });
      await deps.clock.sleep(FAULT_WAIT_MS, signal);
    }
  }
};

const drive = async (state: Drive): Promise<void> => {
  const { deps, first, wake, signal } = state;
  let task: Task | undefined = first;
  let rung = false;
  let due = deps.clock.monotonic();
  while (isOurs(task, first)) {
    const { job } = runOf(task);
    if (state.watch.job !== job) state.watch = newWatch(job, deps.clock.monotonic());
    const looking = linkAbort(signal);
    state.looking = looking;
    const input = { deps, task, watch: state.watch, signal, look: looking.signal };
    const result = await guarded(input, rung);
    looking.unlink();
    if (typeof result === 'object') due = deps.clock.monotonic() + result.waitMs;
    if (result !== 'again') await wake.wait(Math.max(0, due - deps.clock.monotonic()), signal);
    rung = result === 'again' || deps.clock.monotonic() < due;
    task = await read(state);
  }
};

/** Starts at once. The caller keeps the driver until `done` settles. */
export const startAttemptDriver = (
  deps: AttemptDeps,
  first: Task,
  signal: AbortSignal,
): AttemptDriver => {
  const wake = createWake(deps.clock);
  const own = linkAbort(signal);
  const state: Drive = {
    deps,
    first,
    wake,
    signal: own.signal,
    watch: newWatch(runOf(first).job, deps.clock.monotonic()),
    looking: undefined,
  };
  return {
    ring() {
      wake.ring();
      state.looking?.abort(new Error('the task changed'));
    },
    alive(job, progress) {
      if (state.watch.job !== job) return;
      const often = { now: deps.clock.monotonic(), everyMs: deps.timing.progressMs };
      if (hear(state.watch, progress, often)) wake.ring();
    },
    done: drive(state).finally(own.unlink),
  };
};
