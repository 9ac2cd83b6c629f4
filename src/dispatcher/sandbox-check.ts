/** Before a destination counts as ready, one real job has run on it: Pulsar, interpreter, runner, runtime, sandbox. */
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { IdSource } from '../kernel/ids.ts';
import { buildPlan, type PlanRules } from '../tasks/build-plan.ts';
import { NOBODY } from '../tasks/grants.ts';
import type { Destination } from '../tasks/destination.ts';
import { newJobId, newTaskId, type JobId } from '../tasks/ids.ts';
import type { CheckJobs } from '../tasks/ports/check-jobs.ts';
import type { JobFile, JobTransport } from '../tasks/ports/job-transport.ts';
import type { Report } from '../tasks/report.ts';
import { readReport, type RunnerSchema } from '../tasks/runner-schema.ts';
import type { TaskSpec } from '../tasks/spec.ts';

export interface SandboxCheckDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly transport: JobTransport;
  readonly checkJobs: CheckJobs;
  readonly destination: Destination;
  readonly rules: PlanRules;
  readonly runnerFiles: readonly JobFile[];
  readonly runnerSchema: RunnerSchema;
}

/**
 * An image that needs no registry: the runner makes it where an engine wants one (`runner/src/check.py`). An operator may map the
 * name, like any other, to an image of the destination.
 */
export const CHECK_IMAGE = 'magnetar/check';

const CHECK: TaskSpec = { executors: [{ image: CHECK_IMAGE, command: ['true'] }] };
const POLL_MS = 50;
const LIMIT_MS = 120_000;

const remove = async (
  { transport, checkJobs, destination }: SandboxCheckDeps,
  job: JobId,
  signal: AbortSignal,
): Promise<void> => {
  await transport.clean(job, { signal });
  await checkJobs.end(destination.name, job, { signal });
};

/** Ends what earlier checks could not remove, because the server or its Pulsar ended under them. */
const removeLeft = async (deps: SandboxCheckDeps, signal: AbortSignal): Promise<void> => {
  for (const job of await deps.checkJobs.left(deps.destination.name, { signal })) {
    await deps.transport.kill(job, { signal });
    await remove(deps, job, signal);
  }
};

const runOnce = async (deps: SandboxCheckDeps, signal: AbortSignal): Promise<Report> => {
  const { transport, destination, checkJobs, rules, clock, runnerSchema } = deps;
  const job = newJobId(newTaskId(deps.ids), 0, 1);
  const plan = buildPlan({
    job,
    spec: CHECK,
    caller: NOBODY,
    contents: new Map(),
    destination,
    rules,
  });
  const files = [
    ...deps.runnerFiles,
    { name: 'plan.json', bytes: Buffer.from(JSON.stringify(plan)) },
  ];
  await removeLeft(deps, signal);
  await checkJobs.begin(destination.name, job, { signal });
  let over = false;
  try {
    await transport.submit(job, files, { signal });
    let end = clock.monotonic() + LIMIT_MS;
    for (;;) {
      const status = await transport.status(job, { signal });
      const report =
        status.report === undefined ? undefined : readReport(runnerSchema, status.report);
      over = status.final;
      if (report !== undefined && !('unreadable' in report)) return report;
      if (status.status === 'queued') end = clock.monotonic() + LIMIT_MS; // a batch system may take its time
      if (over || clock.monotonic() > end) {
        const without =
          report === undefined ? 'there is no report' : `its report: ${report.unreadable}`;
        const why = status.failure ?? `Pulsar says "${status.status}" and ${without}`;
        throw new MagnetarError('STARTUP', `the check job on ${destination.name} failed: ${why}`);
      }
      await clock.sleep(POLL_MS, signal);
    }
  } finally {
    if (!over) await transport.kill(job, { signal }).catch(() => undefined);
    await remove(deps, job, signal).catch(() => undefined); // recorded: the next check removes it
  }
};

const assertComplete = (report: Report, name: string): void => {
  if (report.state === 'COMPLETE') return;
  const last = report.executors.at(-1);
  const why =
    report.error?.message ?? `exit code ${String(last?.exit_code)}: ${last?.stderr ?? ''}`;
  throw new MagnetarError('STARTUP', `the check job on ${name} failed: ${why.trim()}`);
};

/** Answers what the runner found on the host (`runtime`, `version`, …). Throws STARTUP with the reason why no sandbox runs. */
export const checkSandbox = async (
  deps: SandboxCheckDeps,
  signal: AbortSignal,
): Promise<Report['host']> => {
  const report = await runOnce(deps, signal);
  assertComplete(report, deps.destination.name);
  return report.host;
};
