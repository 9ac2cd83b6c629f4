/** Keys of creations: each names its task before that is stored, so that whoever comes with the key can complete what broke off. */
import type { TaskId } from '../../tasks/ids.ts';
import type { Once } from '../../tasks/ports/task-store.ts';
import type { Collections } from './collections.ts';
import { isNew } from './errors.ts';

/** Others must have taken and lost the key in between as often. */
const MOST_ROUNDS = 8;

/** The task that the key stands for: `task`, unless an earlier call has named one that still counts. */
export const taskOfKey = async (
  { idempotency }: Collections,
  task: TaskId,
  { key, print, at, until }: Once,
): Promise<TaskId | 'other'> => {
  const fields = { print, task, until };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (await isNew(idempotency.insertOne({ _id: key, ...fields }))) return task;
    const found = await idempotency.findOne({ _id: key });
    if (found === null) continue; // expired and pruned in between
    if (found.until > at) return found.print === print ? found.task : 'other';
    const same = { _id: key, task: found.task };
    const { matchedCount } = await idempotency.updateOne(same, { $set: fields });
    if (matchedCount === 1) return task;
  }
  return 'other';
};

/** What an earlier call named under the key. */
export const earlierOf = async (
  { idempotency }: Collections,
  { key, print, at }: Once,
): Promise<TaskId | 'other' | undefined> => {
  const found = await idempotency.findOne({ _id: key, until: { $gt: at } });
  if (found === null) return undefined;
  return found.print === print ? found.task : 'other';
};

export const pruneKeys = async ({ idempotency }: Collections, now: number): Promise<void> => {
  await idempotency.deleteMany({ until: { $lte: now } });
};
