/** The calls that change something: each is one conditional write of one document, and each try can be repeated. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { JobId, TaskId } from '../../tasks/ids.ts';
import type {
  CreateResult,
  Lease,
  NewTask,
  Once,
  Scope,
  WriteGuard,
  WriteResult,
} from '../../tasks/ports/task-store.ts';
import { TASK_STATES, isTerminal } from '../../tasks/states.ts';
import type { Inbox, Part, TaskHead, Wish } from '../../tasks/task.ts';
import { newFacts } from '../facts.ts';
import type { Collections, LeaseDocument } from './collections.ts';
import { decodeInbox, encodeHead, encodeTask, factFields, type PartDocument } from './documents.ts';
import { isNew } from './errors.ts';
import { scopeFilter } from './lists.ts';
import { taskOfKey } from './once.ts';
import { takePlace } from './places.ts';
import { piecesOf } from './pieces.ts';
import { wipeSecrets } from './secrets.ts';

/** Counted up and timed by the database with every change that others should hear of. */
const TOUCH = { $inc: { rev: 1 }, $currentDate: { mod: true } } as const;

const LIVE_STATES = TASK_STATES.filter((state) => !isTerminal(state));

const numbered = (n: number): string => String(n).padStart(6, '0');

const partDocument = (part: Omit<Part, 'kind'> & Pick<PartDocument, 'kind'>): PartDocument => {
  const { task, attempt, kind, index, text } = part;
  const _id = `${task}/${numbered(attempt)}/${kind}/${numbered(index)}`;
  return { _id, task, attempt, kind, i: index, text };
};

/** What belongs to a new task never replaces anything. */
const addParts = async ({ parts }: Collections, added: readonly PartDocument[]): Promise<void> => {
  await Promise.all(added.map((part) => isNew(parts.insertOne(part))));
};

/** Replaces the leavings of a write that failed. */
const putParts = async ({ parts }: Collections, put: readonly PartDocument[]): Promise<void> => {
  await Promise.all(
    put.map(({ _id, ...fields }) => parts.updateOne({ _id }, { $set: fields }, { upsert: true })),
  );
};

/** An insertion cannot ask the database for its time, an upsert can; no task has revision 0, so that nothing is ever matched. */
const insertTask = (
  { tasks }: Collections,
  id: TaskId,
  fields: ReturnType<typeof encodeTask>,
): Promise<boolean> =>
  isNew(
    tasks.updateOne(
      { _id: id, rev: 0 },
      { $set: fields, $currentDate: { mod: true } },
      { upsert: true },
    ),
  );

/** The requirements are what the class is the hash of, so that they can be set again and again. */
const putClass = async ({ classes }: Collections, task: NewTask): Promise<void> => {
  const fields = { requirements: JSON.stringify(task.requirements) };
  await classes.updateOne({ _id: task.class }, { $set: fields }, { upsert: true });
};

interface Creation {
  readonly parts: readonly Part[];
  /** Parts that are made for the id that was settled on. */
  readonly partsFor: (id: TaskId) => readonly Part[];
  readonly w: string;
}

/** Parts first, the task last: a task that can be seen is whole. False = another call has stored this id. */
const store = async (
  collections: Collections,
  task: NewTask,
  { parts, partsFor, w }: Creation,
): Promise<boolean> => {
  const { id } = task;
  const text = JSON.stringify(task.spec);
  const pieces = piecesOf(text).map((piece, index) =>
    partDocument({ task: id, attempt: 0, kind: 'spec', index, text: piece }),
  );
  await Promise.all([
    addParts(collections, [...pieces, ...[...parts, ...partsFor(id)].map(partDocument)]),
    putClass(collections, task),
  ]);
  if (await insertTask(collections, id, encodeTask(task, { text, pieces: pieces.length }, w)))
    return true;
  const there = await collections.tasks.findOne({ _id: id }, { projection: { w: 1 } });
  return there?.w === w;
};

/**
 * The key goes first and settles the id. A process that dies then leaves a key without a task; whoever repeats the request
 * stores the task under that id, and should the first be alive after all, only one of the two insertions succeeds.
 */
export const create = async (
  collections: Collections,
  task: NewTask,
  { parts, partsFor, w, once }: Creation & { readonly once: Once | undefined },
): Promise<CreateResult> => {
  if (once === undefined) {
    if (await store(collections, task, { parts, partsFor, w })) return { id: task.id, made: true };
    throw new MagnetarError('INTERNAL', `there is a task ${task.id} already`);
  }
  const id = await taskOfKey(collections, task.id, once);
  if (id === 'other') return 'other';
  const isStored =
    id !== task.id &&
    (await collections.tasks.findOne({ _id: id }, { projection: { _id: 1 } })) !== null;
  if (isStored) return { id, made: false };
  const named = { parts: parts.map((part) => ({ ...part, task: id })), partsFor, w };
  return { id, made: await store(collections, { ...task, id }, named) };
};

const guardFilter = (id: TaskId, { rev, epoch, ready, uncancelled }: WriteGuard) => ({
  _id: id,
  rev,
  ...(epoch === undefined ? {} : { 'run.epoch': epoch }),
  ...(ready === undefined ? {} : { ready }),
  ...(uncancelled === undefined ? {} : { cancel: null }),
});

/** Why nothing matched. A write that bears this call's id is an earlier try whose answer got lost. */
const resultOf = async ({ tasks }: Collections, id: TaskId, w: string): Promise<WriteResult> => {
  const there = await tasks.findOne({ _id: id }, { projection: { w: 1 } });
  if (there === null) return 'missing';
  return there.w === w ? 'applied' : 'conflict';
};

export const write = async (
  collections: Collections,
  id: TaskId,
  guard: WriteGuard,
  change: { readonly head: TaskHead; readonly parts: readonly Part[]; readonly w: string },
): Promise<WriteResult> => {
  const { head, parts, w } = change;
  const filter = guardFilter(id, guard);
  if (guard.places !== undefined) {
    const place = await takePlace(collections, id, guard.places);
    if (place !== 'applied') return place;
  }
  if (parts.length > 0) {
    // parts go first, but not for a write that is refused anyway
    const holds = await collections.tasks.findOne(filter, { projection: { _id: 1 } });
    if (holds === null) return resultOf(collections, id, w);
    await putParts(collections, parts.map(partDocument));
  }
  const update = { $set: { ...encodeHead(head, w), w }, ...TOUCH };
  const { matchedCount } = await collections.tasks.updateOne(filter, update);
  const result = matchedCount === 1 ? 'applied' : await resultOf(collections, id, w);
  if (result === 'applied' && isTerminal(head.state)) await wipeSecrets(collections, [id]);
  return result;
};

export const wish = async (
  { tasks }: Collections,
  id: TaskId,
  scope: Scope,
  { wanted, w }: { readonly wanted: Wish; readonly w: string },
): Promise<WriteResult> => {
  const visible = { _id: id, ...scopeFilter(scope) };
  const { matchedCount } = await tasks.updateOne(
    { ...visible, state: { $in: LIVE_STATES }, cancel: null },
    { $set: { cancel: { ...wanted, w } }, ...TOUCH },
  );
  if (matchedCount === 1) return 'applied';
  const there = await tasks.findOne(visible, { projection: { cancel: 1 } });
  if (there === null) return 'missing';
  return there.cancel?.w === w ? 'applied' : 'conflict';
};

/** Facts are only ever added, so that a lost race means that fewer are new: after this many rounds none can be left. */
const FACT_ROUNDS = 4;

export const inbox = async (
  { tasks }: Collections,
  id: TaskId,
  job: JobId,
  facts: Inbox,
): Promise<WriteResult> => {
  for (let round = 0; round < FACT_ROUNDS; round += 1) {
    const there = await tasks.findOne({ _id: id }, { projection: { run: 1 } });
    if (there === null) return 'missing';
    if (there.run?.job !== job) return 'conflict';
    const fresh = newFacts(decodeInbox(there.run.inbox), facts);
    if (fresh === undefined) return 'conflict';
    const fields = factFields(fresh);
    const unset = Object.fromEntries(Object.keys(fields).map((path) => [path, null]));
    const { matchedCount } = await tasks.updateOne(
      { _id: id, 'run.job': job, ...unset },
      { $set: fields, ...TOUCH },
    );
    if (matchedCount === 1) return 'applied';
  }
  return 'conflict';
};

/** Nobody but writers needs to notice, so `mod` stays. */
export const stamp = async (
  { tasks }: Collections,
  destination: string,
  epoch: number,
): Promise<number> => {
  const { modifiedCount } = await tasks.updateMany(
    { 'run.destination': destination, 'run.epoch': { $lt: epoch } },
    { $set: { 'run.epoch': epoch }, $inc: { rev: 1 } },
  );
  return modifiedCount;
};

const decodeLease = ({ _id, capacity, ...fields }: LeaseDocument): Lease => ({
  destination: _id,
  ...fields,
  ...(capacity === null || capacity === undefined ? {} : { capacity }),
});

export const lease = async (
  { leases }: Collections,
  destination: string,
): Promise<Lease | undefined> => {
  const found = await leases.findOne({ _id: destination });
  return found === null ? undefined : decodeLease(found);
};

export const allLeases = async ({ leases }: Collections): Promise<readonly Lease[]> =>
  (await leases.find({}, { sort: { _id: 1 } }).toArray()).map(decodeLease);

const isSame = (a: Lease, b: Lease): boolean =>
  a.holder === b.holder && a.epoch === b.epoch && a.beat === b.beat && a.address === b.address;

const trySwap = async (
  { leases }: Collections,
  from: Lease | undefined,
  { destination, ...given }: Lease,
): Promise<boolean> => {
  const fields = { ...given, capacity: given.capacity ?? null };
  if (from !== undefined) {
    const { holder, epoch, beat } = from;
    const filter = { _id: destination, holder, epoch, beat };
    return (await leases.updateOne(filter, { $set: fields })).matchedCount === 1;
  }
  return isNew(leases.insertOne({ _id: destination, ...fields }));
};

/** A holder names itself, so that what is there after a lost answer tells who won. */
export const swapLease = async (
  collections: Collections,
  from: Lease | undefined,
  { to, retried }: { readonly to: Lease; readonly retried: boolean },
): Promise<WriteResult> => {
  if (await trySwap(collections, from, to)) return 'applied';
  const there = await lease(collections, to.destination);
  if (there === undefined) return 'missing';
  return retried && isSame(there, to) ? 'applied' : 'conflict';
};
