/** Between documents and the records of the domain. Maps are kept as JSON text: their keys may hold dots and dollars. The documents were written by this store, so decoding trusts them. */
import type { ClassId, OwnerId, TaskId } from '../../tasks/ids.ts';
import type { NewTask } from '../../tasks/ports/task-store.ts';
import type { Report } from '../../tasks/report.ts';
import type { TaskSpec } from '../../tasks/spec.ts';
import type { TaskState } from '../../tasks/states.ts';
import type {
  Attempt,
  Debt,
  Inbox,
  PartKind,
  Run,
  Task,
  TaskHead,
  Transition,
  Wish,
} from '../../tasks/task.ts';

/** A type, not an interface: its members can be listed. */
export type InboxDocument = {
  readonly started: number | null;
  readonly executing: number | null;
  readonly report: string | null;
};

interface RunDocument extends Omit<Run, 'inbox'> {
  readonly inbox: InboxDocument;
}

interface AttemptDocument extends Omit<Attempt, 'metadata'> {
  readonly metadata: string;
}

/** A wish with the id of the call that set it. */
export interface WishDocument extends Wish {
  readonly w: string;
}

/** What a write of the head replaces. */
export interface HeadDocument {
  readonly state: TaskState;
  readonly ready: boolean;
  readonly changed: number;
  readonly ended: number | null;
  readonly due: number | null;
  readonly cancel: WishDocument | null;
  readonly run: RunDocument | null;
  readonly attempts: readonly AttemptDocument[];
  readonly log: readonly Transition[];
  readonly debts: readonly Debt[];
}

export interface TaskDocument extends HeadDocument {
  readonly _id: TaskId;
  readonly v: number;
  readonly rev: number;
  /** Id of the call that wrote the head last: tells whose write it was when the answer got lost. */
  readonly w: string;
  /** Time of the last change by the database's clock; what the tail query follows. */
  readonly mod: Date;
  readonly owner: OwnerId;
  readonly groups: readonly string[];
  /** Absent = none. */
  readonly memberOf?: readonly string[];
  readonly name: string | null;
  readonly keys: readonly string[];
  /** JSON text; null = it is in `pieces` parts. */
  readonly spec: string | null;
  readonly pieces: number;
  readonly class: ClassId;
  readonly prio: number;
  readonly created: number;
}

export interface PartDocument {
  /** `<task>/<attempt>/<kind>/<index>`. */
  readonly _id: string;
  readonly task: TaskId;
  readonly attempt: number;
  readonly kind: PartKind | 'spec';
  readonly i: number;
  readonly text: string;
}

const encodeInbox = ({ started, executing, report }: Inbox): InboxDocument => ({
  started: started ?? null,
  executing: executing ?? null,
  report: report === undefined ? null : JSON.stringify(report),
});

export const decodeInbox = ({ started, executing, report }: InboxDocument): Inbox => ({
  ...(started === null ? {} : { started }),
  ...(executing === null ? {} : { executing }),
  ...(report === null ? {} : { report: JSON.parse(report) as Report }),
});

/** Facts as fields to set, by their path. */
export const factFields = (facts: Inbox): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    Object.entries<number | string | null>(encodeInbox(facts)).flatMap(([name, value]) =>
      value === null ? [] : [[`run.inbox.${name}`, value]],
    ),
  );

export const encodeHead = (head: TaskHead, w: string): HeadDocument => ({
  state: head.state,
  ready: head.ready,
  changed: head.changed,
  ended: head.ended ?? null,
  due: head.due ?? null,
  cancel: head.cancel === undefined ? null : { ...head.cancel, w },
  run: head.run === undefined ? null : { ...head.run, inbox: encodeInbox(head.run.inbox) },
  attempts: head.attempts.map(({ metadata, ...attempt }) => ({
    ...attempt,
    metadata: JSON.stringify(metadata),
  })),
  log: head.log,
  debts: head.debts,
});

const decodeHead = (document: HeadDocument): TaskHead => {
  const { state, ready, changed, ended, due, cancel, run, attempts, log, debts } = document;
  return {
    state,
    ready,
    changed,
    ...(ended === null ? {} : { ended }),
    ...(cancel === null ? {} : { cancel: decodeWish(cancel) }),
    ...(due === null ? {} : { due }),
    ...(run === null ? {} : { run: { ...run, inbox: decodeInbox(run.inbox) } }),
    attempts: attempts.map(({ metadata, ...attempt }) => ({
      ...attempt,
      metadata: JSON.parse(metadata) as Attempt['metadata'],
    })),
    log,
    debts,
  };
};

const decodeWish = ({ at, by, reason }: WishDocument): Wish => ({ at, by, reason });

/** The fields of a new document that its first write sets; `mod` is the database's to set. */
export const encodeTask = (
  task: NewTask,
  spec: { readonly text: string; readonly pieces: number },
  w: string,
): Omit<TaskDocument, '_id' | 'mod'> => ({
  v: task.v,
  rev: 1,
  w,
  owner: task.owner,
  groups: task.groups,
  ...(task.memberOf === undefined ? {} : { memberOf: task.memberOf }),
  name: task.name ?? null,
  keys: task.keys,
  spec: spec.pieces === 0 ? spec.text : null,
  pieces: spec.pieces,
  class: task.class,
  prio: task.prio,
  created: task.created,
  ...encodeHead(task.head, w),
});

/** `spec` is the JSON text where the document does not hold it itself. */
export const decodeTask = (document: TaskDocument, spec: string): Task => ({
  id: document._id,
  v: document.v,
  owner: document.owner,
  groups: document.groups,
  ...(document.memberOf === undefined ? {} : { memberOf: document.memberOf }),
  ...(document.name === null ? {} : { name: document.name }),
  spec: JSON.parse(document.spec ?? spec) as TaskSpec,
  class: document.class,
  prio: document.prio,
  created: document.created,
  rev: document.rev,
  head: decodeHead(document),
});
