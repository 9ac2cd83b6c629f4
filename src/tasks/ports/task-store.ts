/** Where tasks live. Every implementation passes tests/contract/task-store.contract.ts. */
import type { ClassId, JobId, OwnerId, TaskId } from '../ids.ts';
import type { TaskFilter } from '../filter.ts';
import type { Capacity } from '../placement.ts';
import type { Requirements } from '../requirements.ts';
import type {
  Debt,
  Inbox,
  Part,
  PartKind,
  Task,
  TaskBody,
  TaskHead,
  TaskRevision,
  TaskSummary,
  Wish,
} from '../task.ts';
import type { CallOptions } from './call.ts';

/** Whose tasks a call may see: one owner's with those shared in its groups, or all (an admin, the dispatcher, or access control off). */
export type Scope = { readonly owner: OwnerId; readonly groups?: readonly string[] } | 'all';

/** The conditions of a write, checked in the same atomic step (DESIGN section 7). */
export interface WriteGuard {
  /** The document's `rev` as the writer read it. */
  readonly rev: number;
  /** Owner writes: `run.epoch` must still be this. */
  readonly epoch?: number;
  /** Claims: the task must still wait. */
  readonly ready?: true;
  /** The task must carry no wish to cancel. */
  readonly uncancelled?: true;
  /** Claims: the task holds one of so many places of its owner, or one is free and is its own with this write. */
  readonly places?: number;
}

/** `conflict` = the document is there, but a condition does not hold: read it again. */
export type WriteResult = 'applied' | 'conflict' | 'missing';

export interface NewTask extends TaskBody {
  /** Search entries, see keys.ts. */
  readonly keys: readonly string[];
  readonly head: TaskHead;
  readonly requirements: Requirements;
}

/** Makes repeated creations one: the store keeps the key, with the task that the first one made. */
export interface Once {
  /** Different for each owner. */
  readonly key: string;
  /** Digest of what is created; another one under the same key is refused. */
  readonly print: string;
  readonly at: number;
  /** When the key is free again. */
  readonly until: number;
}

/** `made` = by this call. `other` = the key stands for something else. */
export type CreateResult = { readonly id: TaskId; readonly made: boolean } | 'other';

export interface CreateOptions extends CallOptions {
  /** More parts, bound to the id under which the task is stored: with `once` that may be one which an earlier, broken-off call chose. */
  readonly partsFor?: (id: TaskId) => readonly Part[];
  readonly once?: Once;
}

export interface ListRequest {
  readonly scope: Scope;
  readonly filter: TaskFilter;
  /** Only tasks older than this one. */
  readonly before?: TaskId;
  /** Most tasks to return. */
  readonly limit: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Present when there may be more: the id to go on before. */
  readonly last?: TaskId;
}

/** Waiting tasks of one class and one owner. */
export interface WaitingClass {
  readonly class: ClassId;
  readonly owner: OwnerId;
  readonly requirements: Requirements;
}

export interface CandidateRequest {
  readonly class: ClassId;
  readonly owner: OwnerId;
  readonly limit: number;
  /** Only these. */
  readonly among?: ReadonlySet<TaskId>;
}

export interface Usage {
  readonly queued: number;
  /** All of them. */
  readonly stored: number;
}

/** What an owner's limit of running tasks leaves. */
export interface Places {
  readonly free: number;
  /** Waiting tasks that have a place already: between two attempts, or left by a claim that broke off. */
  readonly held: ReadonlySet<TaskId>;
}

/** A debt and the task whose attempt left it. */
export interface OwedDebt {
  readonly task: TaskId;
  readonly debt: Debt;
}

export interface Lease {
  readonly destination: string;
  /** Name of the process that holds it; empty = nobody. */
  readonly holder: string;
  /** Counts up with each take-over. */
  readonly epoch: number;
  /** Counts up with each renewal. */
  readonly beat: number;
  /** Where the holder can be nudged; empty = nowhere. */
  readonly address: string;
  /** What the destination offers, as its last holder is configured; absent = the lease is no destination's. */
  readonly capacity?: Capacity;
}

export interface TaskStore {
  /** Only one process can have this store open, so that a lease left behind is nobody's. */
  readonly exclusive: boolean;
  /**
   * Stores a task and its parts so that they survive a power cut once this returns.
   * Parts are written first. An unknown outcome is settled by re-reading the id. With `once`, the key is kept in the same
   * atomic step, or in one before it that names the task; whoever comes later with the key then completes a broken-off creation.
   */
  create(task: NewTask, parts: readonly Part[], options: CreateOptions): Promise<CreateResult>;
  /** What an earlier creation under the key made, or began to make; undefined when there was none. */
  creation(once: Once, options: CallOptions): Promise<TaskId | 'other' | undefined>;
  /** How many tasks an owner has. Each count may stop at its `most`, where that is not 0; cost does not grow with the number of tasks beyond. */
  usage(owner: OwnerId, most: Usage, options: CallOptions): Promise<Usage>;
  summary(id: TaskId, scope: Scope, options: CallOptions): Promise<TaskSummary | undefined>;
  get(id: TaskId, scope: Scope, options: CallOptions): Promise<Task | undefined>;
  /** Parts of the given kinds of one or several tasks, ordered by task, attempt, kind, index. Callers have checked the owner. */
  parts(
    ids: readonly TaskId[],
    kinds: readonly PartKind[],
    options: CallOptions,
  ): Promise<readonly Part[]>;
  /** Newest first, like the next. */
  listSummaries(request: ListRequest, options: CallOptions): Promise<Page<TaskSummary>>;
  listRevisions(request: ListRequest, options: CallOptions): Promise<Page<TaskRevision>>;
  /** Tasks of a list, whole, in any order; those that are not there are left out. Callers have checked the owner. */
  tasks(ids: readonly TaskId[], options: CallOptions): Promise<readonly Task[]>;

  /** Replaces the head under the guard; `rev` counts up. Parts are written before it. */
  write(
    id: TaskId,
    guard: WriteGuard,
    head: TaskHead,
    options: CallOptions & { readonly parts?: readonly Part[] },
  ): Promise<WriteResult>;
  /** Wish write: sets `cancel` where the state is not terminal and none is set. `conflict` = terminal or already wished. */
  wish(id: TaskId, scope: Scope, wish: Wish, options: CallOptions): Promise<WriteResult>;
  /** Inbox write: adds facts that are not there yet, where `run.job` is this job. `conflict` = another job, or nothing new. */
  inbox(id: TaskId, job: JobId, facts: Inbox, options: CallOptions): Promise<WriteResult>;

  /** What waits for a claim, grouped; cost grows with the number of waiting classes, not of tasks. */
  waiting(options: CallOptions): Promise<readonly WaitingClass[]>;
  /** Of each of these owners; cost grows with what runs, not with what waits. */
  places(
    owners: readonly OwnerId[],
    most: number,
    options: CallOptions,
  ): Promise<ReadonlyMap<OwnerId, Places>>;
  /** Waiting tasks of one class and owner: highest priority first, then oldest. */
  candidates(request: CandidateRequest, options: CallOptions): Promise<readonly Task[]>;
  /** Sets `run.epoch` of every active task of the destination whose epoch is lower; returns how many. */
  stamp(destination: string, epoch: number, options: CallOptions): Promise<number>;
  /** Tasks with an active attempt on the destination; read from an index, for it is asked again and again. */
  active(destination: string, options: CallOptions): Promise<readonly TaskId[]>;
  /** What tasks owe to the destination. */
  debts(destination: string, options: CallOptions): Promise<readonly OwedDebt[]>;
  /** Names of all destinations with an active attempt or a debt, configured or not, in order. */
  destinationsInUse(options: CallOptions): Promise<readonly string[]>;

  lease(destination: string, options: CallOptions): Promise<Lease | undefined>;
  /** All leases, by name: also those that were given back or left behind. */
  leases(options: CallOptions): Promise<readonly Lease[]>;
  /** Compare-and-set on (holder, epoch, beat); `from` undefined = there must be none yet. */
  swapLease(from: Lease | undefined, to: Lease, options: CallOptions): Promise<WriteResult>;

  /** Reads something trivial; throws STORE_UNAVAILABLE when that fails. */
  ping(options: CallOptions): Promise<void>;
  close(): Promise<void>;
}
