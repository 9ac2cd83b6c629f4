/** Work of hours on behalf of a task: it tells how far it is, and ends when nobody wants it any more. */
import { withLinked } from '../kernel/link-abort.ts';
import { MagnetarError } from '../kernel/errors.ts';
import { progressing, runOf } from '../tasks/attempts.ts';
import type { Task } from '../tasks/task.ts';
import type { StepInput, StepResult } from './attempt-context.ts';
import { onlyHead, writeOnce } from './task-writer.ts';

/** The work as one line for people who wait; undefined = nothing to tell yet. */
export type Tell = () => string | undefined;

const isWanted = (now: Task | undefined, seen: Task): now is Task =>
  now?.head.run?.job === runOf(seen).job &&
  now.head.run.epoch === runOf(seen).epoch &&
  now.head.cancel === undefined;

/** Rejects when the task is no longer wanted, or when the signal aborts. */
const watchOver = async ({ deps, task, signal }: StepInput, tell: Tell): Promise<never> => {
  let told = deps.clock.monotonic();
  for (;;) {
    await deps.clock.sleep(deps.timing.wantedMs, signal);
    const now = await deps.store.get(task.id, 'all', { signal });
    if (!isWanted(now, task)) throw new MagnetarError('JOB_OVER', 'the task is no longer wanted');
    const line = tell();
    const isDue = deps.clock.monotonic() - told >= deps.timing.progressMs;
    if (!isDue || line === undefined || line === now.head.run?.progress) continue;
    told = deps.clock.monotonic();
    const head = progressing(now, line, deps.clock.now());
    await writeOnce(deps.store, now, onlyHead(head), { signal });
  }
};

/** `work` gets an input whose signal ends with the wish for it; then the next look at the document says what is wanted instead. */
export const whileWanted = async (
  input: StepInput,
  tell: Tell,
  work: (input: StepInput) => Promise<StepResult>,
): Promise<StepResult> => {
  const { signal: outer } = input;
  return withLinked([outer], async (signal, abort) => {
    let watching: Promise<unknown> | undefined;
    try {
      watching = watchOver({ ...input, signal }, tell).catch(abort);
      return await work({ ...input, signal });
    } catch (error) {
      outer.throwIfAborted();
      const why: unknown = signal.aborted ? signal.reason : error;
      if (why instanceof MagnetarError && why.code === 'JOB_OVER') return 'again';
      throw why;
    } finally {
      abort(new MagnetarError('ABORTED', 'the work has ended'));
      await watching;
    }
  });
};
