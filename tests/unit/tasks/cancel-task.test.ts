import { describe, expect, it } from 'vitest';
import { cancelTask } from '../../../src/tasks/cancel-task.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { TaskStore, WriteResult } from '../../../src/tasks/ports/task-store.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { storedTask } from '../../support/tasks.ts';

const options = { signal: new AbortController().signal };

/** A store of one task that answers what a test wants, and counts. */
const scripted = (task: Task | undefined, write: WriteResult, wish: WriteResult) => {
  const calls = { get: 0, write: 0, wish: 0 };
  const answer = <Value>(name: keyof typeof calls, value: Value) => {
    calls[name] += 1;
    return Promise.resolve(value);
  };
  const store = {
    get: () => answer('get', task),
    write: () => answer('write', write),
    wish: () => answer('wish', wish),
  } as unknown as TaskStore;
  return { calls, deps: { store, clock: systemClock } };
};

describe('cancelTask', () => {
  const task = storedTask();
  const input = { id: task.id, principal: ANYBODY };
  const taken: Task = { ...task, head: { ...task.head, ready: false } };

  it('ends a waiting task by one write', async () => {
    const { calls, deps } = scripted(task, 'applied', 'applied');
    await cancelTask(deps, input, options);
    expect(calls).toEqual({ get: 1, write: 1, wish: 0 });
  });

  it('reads again after a conflict, and wishes after too many', async () => {
    const { calls, deps } = scripted(task, 'conflict', 'applied');
    await cancelTask(deps, input, options);
    expect(calls).toEqual({ get: 8, write: 8, wish: 1 });
  });

  it.each(['applied', 'conflict'] as const)(
    'leaves a wish on a taken task: %s is fine',
    async (result) => {
      const { calls, deps } = scripted(taken, 'applied', result);
      await cancelTask(deps, input, options);
      expect(calls).toEqual({ get: 1, write: 0, wish: 1 });
    },
  );

  it('knows no task that is not there, at any moment (T82)', async () => {
    const absent = scripted(undefined, 'applied', 'applied');
    await expect(cancelTask(absent.deps, input, options)).rejects.toMatchObject({
      code: 'TASK_UNKNOWN',
    });
    const gone = scripted(taken, 'applied', 'missing');
    await expect(cancelTask(gone.deps, input, options)).rejects.toMatchObject({
      code: 'TASK_UNKNOWN',
    });
  });

  it('does nothing to an ended task (T81)', async () => {
    const { calls, deps } = scripted(
      { ...taken, head: { ...taken.head, state: 'COMPLETE' } },
      'applied',
      'applied',
    );
    await cancelTask(deps, input, options);
    expect(calls).toEqual({ get: 1, write: 0, wish: 0 });
  });
});
