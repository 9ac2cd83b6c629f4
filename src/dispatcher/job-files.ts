/** What one job starts with: launcher, runner and plan, and the inputs that this server lays beside them. */
import { buildPlan } from '../tasks/build-plan.ts';
import { runOf } from '../tasks/attempts.ts';
import { callerOf } from '../tasks/task.ts';
import type { PlanInput, PlanLimits, PushedInput } from '../tasks/plan.ts';
import type { JobFile } from '../tasks/ports/job-transport.ts';
import { wholeSpecOf } from '../tasks/task-secrets.ts';
import type { StepInput } from './attempt-context.ts';

export interface JobSetup {
  readonly files: readonly JobFile[];
  readonly inputs: { readonly items: readonly PushedInput[]; readonly limits: PlanLimits };
}

const isPushed = (input: PlanInput): input is PushedInput => input.method === 'push';

/** Reads what the client gave by content and writes the plan; throws NO_METHOD when data cannot be moved, SECRET_UNREADABLE. */
export const jobSetupOf = async ({ deps, task, signal }: StepInput): Promise<JobSetup> => {
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
  return {
    files: [...deps.runnerFiles, { name: 'plan.json', bytes: Buffer.from(JSON.stringify(plan)) }],
    inputs: { items: plan.inputs.filter(isPushed), limits: plan.limits },
  };
};
