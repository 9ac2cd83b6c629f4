/** The task document: one record, one state, one append-only log of transitions. Times are epoch milliseconds. */
import type { Caller } from './grants.ts';
import type { CutStream } from './full-logs.ts';
import type { ClassId, JobId, OwnerId, TaskId } from './ids.ts';
import type { Report } from './report.ts';
import type { TaskSpec } from './spec.ts';
import type { TaskState } from './states.ts';

/** Version of the stored document. Since 2 the URLs of `spec` hold no secrets. */
export const TASK_VERSION = 2;

export interface Transition {
  /** 1, 2, 3… within the task. */
  readonly seq: number;
  /** Number of the attempt it belongs to; 0 = none yet. */
  readonly attempt: number;
  /** Absent for the creation. */
  readonly from?: TaskState;
  readonly to: TaskState;
  readonly at: number;
  readonly reason?: string;
}

/** The recorded points of an attempt; recorded before their work starts. */
export type Point = 'prepare' | 'submit' | 'run' | 'collect';

/** A wish to cancel: set once by the API, acted on by the destination's owner. */
export interface Wish {
  readonly at: number;
  readonly by: OwnerId;
  readonly reason: string;
}

/** Facts of a job, set once each by whoever hears them first; the owner turns them into transitions. */
export interface Inbox {
  /** When the runner passed the gate. */
  readonly started?: number;
  /** When the first container started. */
  readonly executing?: number;
  readonly report?: Report;
}

export interface Slots {
  readonly cores: number;
  readonly ram_bytes: number;
}

/** The active attempt. */
export interface Run {
  /** Number of the attempt, from 1. */
  readonly n: number;
  /** Number of the job of this attempt, from 1; a redone `prepare` counts up. */
  readonly try: number;
  readonly destination: string;
  readonly epoch: number;
  readonly job: JobId;
  readonly point: Point;
  readonly point_at: number;
  readonly slots: Slots;
  readonly inbox: Inbox;
  /** What the job moves at the moment, in its words. */
  readonly progress?: string;
}

export interface AttemptExecutor {
  readonly i: number;
  readonly start: number;
  readonly end: number;
  readonly exit_code: number;
  /** Bytes the container wrote; the kept tails are parts. */
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
}

/** One entry of `logs[]`. */
export interface Attempt {
  readonly n: number;
  readonly destination: string;
  readonly job: JobId;
  readonly start: number;
  readonly end?: number;
  readonly executors: readonly AttemptExecutor[];
  /** Number of output files; the list is a part. */
  readonly outputs_n: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reason?: string;
}

/** Something still to be killed or cleaned on a destination. */
export interface Debt {
  readonly job: JobId;
  readonly destination: string;
  /** `clean` = wait for the end, then remove; `kill` = end it first. A kill debt counts as a used slot. */
  readonly do: 'kill' | 'clean';
  readonly not_before: number;
  readonly slots?: Slots;
  /** Streams longer than what the task holds of them: the whole is fetched before the job is removed. `all` = there was no report, so the task holds nothing. */
  readonly keep?: readonly CutStream[] | 'all';
}

/** What changes after creation; every write replaces it whole under a compare-and-set of `rev`. */
export interface TaskHead {
  readonly state: TaskState;
  /** Waits for a claim. */
  readonly ready: boolean;
  readonly changed: number;
  readonly ended?: number;
  readonly cancel?: Wish;
  /** Next time something must happen. */
  readonly due?: number;
  readonly run?: Run;
  readonly attempts: readonly Attempt[];
  readonly log: readonly Transition[];
  readonly debts: readonly Debt[];
}

/** What is fixed at creation. */
export interface TaskBody {
  readonly id: TaskId;
  readonly v: number;
  readonly owner: OwnerId;
  /** All groups of the owner at creation; absent = none. */
  readonly memberOf?: readonly string[];
  /** Those with which he shares it. */
  readonly groups: readonly string[];
  readonly name?: string;
  readonly spec: TaskSpec;
  readonly class: ClassId;
  /** 0..10, higher first. */
  readonly prio: number;
  readonly created: number;
}

export interface Task extends TaskBody {
  readonly rev: number;
  readonly head: TaskHead;
}

/** For whom it runs. */
export const callerOf = ({ owner, memberOf = [] }: TaskBody): Caller => ({ owner, memberOf });

/** MINIMAL. */
export interface TaskSummary {
  readonly id: TaskId;
  readonly state: TaskState;
}

/** As long as `rev` is the same, all that a view shows of the task is. */
export interface TaskRevision {
  readonly id: TaskId;
  readonly rev: number;
}

/** `secret`: what only the server may read, sealed, until the task ends. */
export type PartKind = 'content' | 'secret' | 'stdout' | 'stderr' | 'syslog' | 'outputs';

/** Something too large, or too rarely read, for the document. Written once, before the write that counts it. */
export interface Part {
  readonly task: TaskId;
  /** 0 for what the client sent. */
  readonly attempt: number;
  readonly kind: PartKind;
  /** Index of the input, the executor, or the piece. */
  readonly index: number;
  readonly text: string;
}
