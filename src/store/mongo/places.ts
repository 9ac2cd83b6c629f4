/**
 * Places of an owner for running tasks: one document for each owner names the tasks that hold one, so that taking the last is
 * one atomic step. A task takes its place before it is claimed, and whoever finds the list full first removes who has ended.
 */
import type { OwnerId, TaskId } from '../../tasks/ids.ts';
import type { Places, WriteResult } from '../../tasks/ports/task-store.ts';
import { TASK_STATES, isTerminal } from '../../tasks/states.ts';
import { RUNNING_STATES } from '../usage.ts';
import type { Collections } from './collections.ts';
import type { TaskDocument } from './documents.ts';
import { isNew } from './errors.ts';

const LIVE_STATES = TASK_STATES.filter((state) => !isTerminal(state));

const runningOf = (owners: readonly OwnerId[]) => ({
  owner: { $in: [...owners] },
  state: { $in: RUNNING_STATES },
});

type Holder = Pick<TaskDocument, '_id' | 'owner' | 'ready'>;

/**
 * The list of each owner, brought up to date: its tasks that have not ended. The lists are read before the states: what has
 * ended by then has ended for good, and what was added since is not looked at.
 */
const settle = async (
  { tasks, owners: lists }: Collections,
  owners: readonly OwnerId[],
): Promise<ReadonlyMap<OwnerId, readonly Holder[]>> => {
  const found = await lists.find({ _id: { $in: [...owners] } }).toArray();
  const before = new Map(found.map(({ _id, held }) => [_id, held]));
  const listed = { _id: { $in: [...before.values()].flat() }, state: { $in: LIVE_STATES } };
  const shown = { projection: { owner: 1, ready: 1 } };
  const [live, running] = await Promise.all([
    tasks.find(listed, shown).toArray(),
    tasks.find(runningOf(owners), shown).toArray(),
  ]);
  const settleOne = async (owner: OwnerId): Promise<readonly [OwnerId, readonly Holder[]]> => {
    const held = before.get(owner);
    const holders = new Map(
      [...live, ...running].filter((task) => task.owner === owner).map((task) => [task._id, task]),
    );
    const ended = (held ?? []).filter((id) => !holders.has(id));
    const unlisted = [...holders.keys()].filter((id) => held?.includes(id) !== true);
    const isFirst =
      held === undefined && (await isNew(lists.insertOne({ _id: owner, held: unlisted })));
    if (!isFirst && unlisted.length > 0) {
      await lists.updateOne({ _id: owner }, { $addToSet: { held: { $each: unlisted } } });
    }
    if (ended.length > 0) await lists.updateOne({ _id: owner }, { $pullAll: { held: ended } });
    return [owner, [...holders.values()]];
  };
  return new Map(await Promise.all(owners.map(settleOne)));
};

const placesOf = (holders: readonly Holder[], most: number): Places => ({
  free: Math.max(0, most - holders.length),
  held: new Set(holders.filter(({ ready }) => ready).map(({ _id }) => _id)),
});

export const places = async (
  collections: Collections,
  owners: readonly OwnerId[],
  most: number,
): Promise<ReadonlyMap<OwnerId, Places>> => {
  const settled = await settle(collections, owners);
  return new Map([...settled].map(([owner, holders]) => [owner, placesOf(holders, most)]));
};

/** Gives the task a place, unless it has one. A place stays taken until its task has ended, whether the claim succeeds or not. */
export const takePlace = async (
  collections: Collections,
  id: TaskId,
  most: number,
): Promise<WriteResult> => {
  const { tasks, owners: lists } = collections;
  const task = await tasks.findOne({ _id: id }, { projection: { owner: 1 } });
  if (task === null) return 'missing';
  const { owner } = task;
  const hasRoom = { [`held.${String(most - 1)}`]: { $exists: false } };
  const take = async (): Promise<boolean> => {
    const filter = { _id: owner, $or: [{ held: id }, hasRoom] };
    const { matchedCount } = await lists.updateOne(filter, { $addToSet: { held: id } });
    return matchedCount === 1;
  };
  if (await take()) return 'applied';
  await settle(collections, [owner]);
  return (await take()) ? 'applied' : 'conflict';
};
