/** Writes the plan of an attempt: what the task asks, how its data moves, what the destination and the operator set. Pure. */
import { optional } from '../kernel/optional.ts';
import type { Destination } from './destination.ts';
import type { Caller } from './grants.ts';
import type { JobId } from './ids.ts';
import { checkIn, withoutChecks } from './input-check.ts';
import type { SchemeRules } from './ports/url-rules.ts';
import {
  PLAN_VERSION,
  type Plan,
  type PlanBeacon,
  type PlanExecutor,
  type PlanInput,
  type PlanRelay,
  type PlanStorage,
} from './plan.ts';
import { requirementsOf } from './requirements.ts';
import { isShown } from './shown-inputs.ts';
import type { TaskExecutor, TaskSpec } from './spec.ts';
import { planTransfers } from './transfers.ts';

/** Rules that hold for every plan of this installation. */
export interface PlanRules {
  /** Id of the installation. */
  readonly server: string;
  readonly storageFor: (caller: Caller) => PlanStorage;
  readonly missing_output: Plan['missing_output'];
  /** What is known of URLs by their scheme. */
  readonly schemes: SchemeRules;
}

export interface PlanRequest {
  readonly job: JobId;
  readonly spec: TaskSpec;
  readonly caller: Caller;
  /** Text of the inputs given by content, by index. */
  readonly contents: ReadonlyMap<number, string>;
  readonly destination: Destination;
  readonly rules: PlanRules;
  readonly beacon?: PlanBeacon;
  /** Undefined = the job cannot reach this server. */
  readonly relay?: PlanRelay;
}

const planExecutor = (executor: TaskExecutor): PlanExecutor => ({
  image: executor.image,
  command: executor.command,
  env: executor.env ?? {},
  ignore_error: executor.ignore_error ?? false,
  ...optional('workdir', executor.workdir),
  ...optional('stdin', executor.stdin),
  ...optional('stdout', executor.stdout),
  ...optional('stderr', executor.stderr),
});

const positive = (value: number): number | undefined => (value > 0 ? value : undefined);

const checked = (input: PlanInput, { inputs = [] }: TaskSpec): PlanInput => {
  const check = input.method === 'content' ? undefined : checkIn(inputs[input.i]?.url ?? '');
  return { ...input, ...optional('check', check) };
};

/** Throws NO_METHOD when a URL cannot be moved to or from this destination. */
export const buildPlan = (request: PlanRequest): Plan => {
  const { spec, caller, destination, rules } = request;
  const { cores, ram_bytes, disk_bytes } = requirementsOf(spec);
  const reach = { ...destination.reach, server: request.relay !== undefined };
  const { inputs, outputs } = planTransfers(withoutChecks(spec), request.contents, {
    reach,
    schemes: rules.schemes,
    caller,
  });
  return {
    v: PLAN_VERSION,
    job: request.job,
    server: rules.server,
    runtime: destination.runtime,
    mounts: destination.mounts,
    env: destination.env,
    limits: {
      ...destination.limits,
      ...optional('cpus', positive(cores)),
      ...optional('ram_bytes', positive(ram_bytes)),
      ...optional('disk_bytes', positive(disk_bytes)),
    },
    storage: rules.storageFor(caller),
    missing_output: rules.missing_output,
    executors: spec.executors.map(planExecutor),
    inputs: inputs
      .filter((input) => !isShown(input, destination.mounts))
      .map((input) => checked(input, spec)),
    outputs,
    volumes: spec.volumes ?? [],
    ...optional('beacon', request.beacon),
    ...optional('relay', request.relay),
  };
};
