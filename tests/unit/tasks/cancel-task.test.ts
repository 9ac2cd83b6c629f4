import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { claimed, failed, retried, runOf, type HeadChange } from '../../../src/tasks/attempts.ts';
import { cancelTask } from '../../../src/tasks/cancel-task.ts';
import type { TaskId } from '../../../src/tasks/ids.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { newTask } from '../../support/tasks.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const options = { signal: new AbortController().signal };
const NOW = 1_800_000_000_000;

let store: TaskStore;

beforeEach(() => {
  ({ store } = createSqliteStore({ path: join(createTempFolder(), 'db') }));
});

afterEach(async () => {
  await store.close();
});

const read = async (id: TaskId): Promise<Task> => {
  const task = await store.get(id, 'all', options);
  if (task === undefined) throw new Error('the task is gone');
  return task;
};

const stored = async (): Promise<Task> => {
  const task = newTask();
  await store.create(task, [], options);
  return read(task.id);
};

const write = async (task: Task, { head }: Pick<HeadChange, 'head'>): Promise<Task> => {
  expect(await store.write(task.id, { rev: task.rev }, head, options)).toBe('applied');
  return read(task.id);
};

const taken = async (): Promise<Task> => {
  const task = await stored();
  const slots = { cores: 0, ram_bytes: 0 };
  return write(task, { head: claimed(task, { destination: 'd', epoch: 1, slots, now: NOW }) });
};

const cancel = (id: TaskId, through: TaskStore = store): Promise<void> =>
  cancelTask({ store: through, clock: systemClock }, { id, principal: ANYBODY }, options);

describe('cancelTask', () => {
  it('ends a waiting task at once (T84)', async () => {
    const { id } = await stored();
    await cancel(id);
    expect((await read(id)).head).toMatchObject({ state: 'CANCELED', ready: false });
  });

  it('leaves a wish on a task whose attempt is active, once', async () => {
    const { id } = await taken();
    await cancel(id);
    const wished = await read(id);
    expect(wished.head).toMatchObject({ state: 'INITIALIZING', cancel: { by: '' } });
    await cancel(id);
    expect((await read(id)).rev).toBe(wished.rev);
  });

  it('ends a task that waits between attempts, also while a kill is owed', async () => {
    const task = await taken();
    const closing = { reason: 'lost', now: NOW, owed: 'kill' } as const;
    const { id } = await write(task, retried(task, closing));
    await cancel(id);
    expect((await read(id)).head).toMatchObject({
      state: 'CANCELED',
      debts: [{ job: runOf(task).job }],
    });
  });

  it('does not lose a wish to an attempt that ends in the same moment', async () => {
    const task = await taken();
    const racing: TaskStore = {
      ...store,
      wish: async (...call) => {
        const result = await store.wish(...call);
        const now = await read(task.id);
        const closing = { reason: 'lost', now: NOW, owed: 'clean' } as const;
        if (now.head.run !== undefined) await write(now, retried(now, closing));
        return result;
      },
    };
    await cancel(task.id, racing);
    expect((await read(task.id)).head.state).toBe('CANCELED');
  });

  it('does nothing to an ended task (T81), and knows none that is not there (T82)', async () => {
    const task = await taken();
    const closing = { reason: 'lost', now: NOW, owed: 'nothing' } as const;
    const ended = await write(task, failed(task, closing));
    await cancel(ended.id);
    expect((await read(ended.id)).rev).toBe(ended.rev);
    await expect(cancel(newTask().id)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' });
  });
});
