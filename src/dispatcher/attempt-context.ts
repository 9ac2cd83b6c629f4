/** What the steps of one attempt share: dependencies, and what the driver has seen of the job with its own eyes. */
import { backoffDelayMs } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Destination } from '../tasks/destination.ts';
import type { JobId } from '../tasks/ids.ts';
import type { PlanRules } from '../tasks/build-plan.ts';
import type { PlanBeacon, PlanRelay, PlanRuntime } from '../tasks/plan.ts';
import type { JobFile, JobTransport } from '../tasks/ports/job-transport.ts';
import type { KeptLogs } from '../tasks/ports/kept-logs.ts';
import type { SecretBox } from '../tasks/ports/secret-box.ts';
import type { FindStorage } from '../tasks/relay.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';
import type { RunnerSchema } from '../tasks/runner-schema.ts';
import type { Task } from '../tasks/task.ts';
import type { Timing } from './timing.ts';

/** Where and as whom a job calls this server. */
export interface JobDoors {
  readonly beacon: PlanBeacon;
  readonly relay: PlanRelay;
}

export interface AttemptDeps {
  readonly box: SecretBox;
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly destination: Destination;
  readonly transport: JobTransport;
  readonly logs: KeptLogs;
  /** For what this server moves into and out of jobs. */
  readonly storageOf: FindStorage;
  readonly rules: PlanRules;
  readonly timing: Timing;
  /** Launcher and runner, laid beside each plan. */
  readonly runnerFiles: readonly JobFile[];
  readonly runnerSchema: RunnerSchema;
  /** How this job reaches us; undefined = it cannot. */
  readonly doorsFor: (job: JobId) => JobDoors | undefined;
  /** Throws LEASE_LOST when this process may no longer change anything on the destination. */
  readonly assertOwner: () => void;
  /** How containers run there, as far as it is known by now. */
  readonly runtime: () => PlanRuntime;
  /** Whether the destination may take tasks; what runs there is followed in any case. */
  readonly mayClaim: () => boolean;
  /** In [0, 1). */
  readonly random: () => number;
}

/** How far a cancel has come in this process; a restarted one asks again, which changes nothing. */
export interface CancelWatch {
  readonly since: number;
  /** The runner was asked to stop. */
  asked: boolean;
  looks: number;
}

/** One input on its way into the job. */
export interface Staged {
  bytes: number;
  files: number;
  isWhole: boolean;
}

/** Outputs that were fetched from the job; a restarted server begins again, which changes nothing. */
export interface CollectWatch {
  /** First row of the list that is still to be looked at. */
  next: number;
  /** Files stored, by output. */
  readonly files: Map<number, number>;
  /** Why the rest of an output is not stored. */
  readonly failed: Map<number, string>;
  /** When Pulsar first handed out nothing. */
  stuckSince: number | undefined;
}

/** Signs of life of one job, on the monotonic clock of this process. */
export interface Watch {
  /** The job that this watch is about; a redone attempt starts a new one. */
  readonly job: JobId;
  /** Last sign: a beacon, a changed heartbeat, or the start of watching. */
  lastLife: number;
  heartbeat: string;
  /** What the job said that it moves, and when that was taken last. */
  progress: string | undefined;
  progressAt: number;
  polls: number;
  /** When Pulsar first called the job over while there was no report. */
  overSince: number | undefined;
  /** When Pulsar first called a cancelled job set up but not launched. */
  unlaunchedSince: number | undefined;
  /** When something was first found in the place of the report that is none. */
  unreadableSince: number | undefined;
  cancel: CancelWatch | undefined;
  /** When Pulsar first refused to take the job, and why. */
  refused: { readonly since: number; readonly why: string } | undefined;
  /** When the list of outputs was first asked for in vain. */
  uncollectedSince: number | undefined;
  /** Inputs that were laid into the job, as far as they are there. */
  readonly staged: Map<number, Staged>;
  readonly collected: CollectWatch;
  /** Failed calls in a row. */
  failures: number;
  /** When the Pulsar stopped answering. */
  unreachableSince: number | undefined;
}

export const newWatch = (job: JobId, now: number): Watch => ({
  job,
  lastLife: now,
  heartbeat: '',
  progress: undefined,
  progressAt: -Infinity,
  polls: 0,
  overSince: undefined,
  unlaunchedSince: undefined,
  unreadableSince: undefined,
  cancel: undefined,
  refused: undefined,
  uncollectedSince: undefined,
  staged: new Map(),
  collected: { next: 0, files: new Map(), failed: new Map(), stuckSince: undefined },
  failures: 0,
  unreachableSince: undefined,
});

/** A beacon of the job. What it moves is taken every so often: each time it is a write. True = there is something to write. */
export const hear = (
  watch: Watch,
  progress: string | undefined,
  { now, everyMs }: { readonly now: number; readonly everyMs: number },
): boolean => {
  watch.lastLife = now;
  if (progress === watch.progress) return false;
  if (progress !== undefined && now - watch.progressAt < everyMs) return false;
  watch.progress = progress;
  watch.progressAt = now;
  return true;
};

export interface StepInput {
  readonly deps: AttemptDeps;
  readonly task: Task;
  readonly watch: Watch;
  readonly signal: AbortSignal;
  /** Ends with `signal`, and when something about the task changed: for calls that only look. */
  readonly look: AbortSignal;
}

/** What a step leads to: look at the document again at once, wait for a ring or the next step that was already set, or for a ring or so many milliseconds. */
export type StepResult = 'again' | 'wait' | { readonly waitMs: number };

/** The next look at a job that gives no sign of its own. */
export const untilNextPoll = ({ deps, watch }: StepInput): StepResult => {
  const waitMs = backoffDelayMs(deps.timing.poll, watch.polls, deps.random());
  watch.polls += 1;
  return { waitMs };
};

/** The next try of a call that failed; says so at the first of a row. */
export const untilReachable = (
  { deps, watch }: StepInput,
  error: unknown,
): { readonly waitMs: number } => {
  if (watch.failures === 0) {
    deps.logger.warn('Pulsar does not do what it was asked', { error });
  }
  watch.failures += 1;
  return { waitMs: backoffDelayMs(deps.timing.unreachable, watch.failures - 1, deps.random()) };
};
