/** The files of one job: launcher, runner and plan. */
import { buildPlan } from '../tasks/build-plan.ts';
import { runOf } from '../tasks/attempts.ts';
import { callerOf } from '../tasks/task.ts';
import type { JobFile } from '../tasks/ports/job-transport.ts';
import { wholeSpecOf } from '../tasks/task-secrets.ts';
import type { StepInput } from './attempt-context.ts';

/** Reads what the client gave by content and writes the plan; throws NO_METHOD when data cannot be moved, SECRET_UNREADABLE. */
export const jobFilesOf = async ({
  deps,
  task,
  signal,
}: StepInput): Promise<readonly JobFile[]> => {
  const { job } = runOf(task);
  const spec = await wholeSpecOf(deps, task, { signal });
  const wantsContent = spec.inputs?.some((input) => input.content_bytes !== undefined) ?? false;
  const parts = wantsContent ? await deps.store.parts([task.id], ['content'], { signal }) : [];
  const plan = buildPlan({
    job,
    spec,
    caller: callerOf(task),
    contents: new Map(parts.map(({ index, text }) => [index, text])),
    destination: { ...deps.destination, runtime: deps.runtime() },
    rules: deps.rules,
    ...deps.doorsFor(job),
  });
  return [...deps.runnerFiles, { name: 'plan.json', bytes: Buffer.from(JSON.stringify(plan)) }];
};
