import { describe, expect, it } from 'vitest';
import { isMagnetarError, MagnetarError } from '../../../src/kernel/errors.ts';
import { NO_OWNER } from '../../../src/tasks/ids.ts';
import type { TaskChange } from '../../../src/tasks/ports/changes.ts';
import type { TaskState } from '../../../src/tasks/states.ts';
import { createWatch, type Wanted } from '../../../src/tasks/watch.ts';
import { newTask } from '../../support/tasks.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const CALL = { signal: new AbortController().signal };
const { id } = newTask();
const other = newTask().id;

interface Desk {
  state: TaskState | undefined;
  reads: number;
  onRead: () => void;
}

/** A store of one task whose state the test sets, and a way to tell of changes. */
const desk = (initial: TaskState | 'none' = 'QUEUED') => {
  const clock = createVirtualClock();
  const listeners: ((change: TaskChange) => void)[] = [];
  const state: TaskState | undefined = initial === 'none' ? undefined : initial;
  const now: Desk = { state, reads: 0, onRead: (): void => undefined };
  const watch = createWatch({
    clock,
    changes: {
      subscribe: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    store: {
      summary: () => {
        now.reads += 1;
        const answer = now.state === undefined ? undefined : { id, state: now.state };
        now.onRead();
        return Promise.resolve(answer);
      },
    },
  });
  const tell = (told: TaskState, task = id): void => {
    for (const listener of listeners) listener({ id: task, owner: NO_OWNER, state: told, rev: 2 });
  };
  const change = (next: TaskState): void => {
    now.state = next;
    tell(next);
  };
  const wait = (wanted: Partial<Wanted> = {}, options = CALL) => {
    const ended = { yes: false };
    const promise = watch
      .wait({ id, scope: 'all', ms: 1000, for: 'change', ...wanted }, options)
      .finally(() => {
        ended.yes = true;
      });
    return { promise, ended };
  };
  return { clock, listeners, now, watch, tell, change, wait };
};

describe('waiting for a change', () => {
  it('ends with the next other state, and listens once for everybody', async () => {
    const { clock, listeners, change, wait } = desk();
    const waits = [wait(), wait(), wait({ for: 'end' })];
    await clock.untilSleeping();
    change('RUNNING');
    await Promise.all(waits.slice(0, 2).map(({ promise }) => promise));
    expect(waits[2]?.ended.yes).toBe(false);
    change('COMPLETE');
    await waits[2]?.promise;
    expect(listeners).toHaveLength(1);
  });

  it.each(['COMPLETE', 'CANCELED', 'none'] as const)(
    'ends at once for a task that is %s',
    async (state) => {
      await desk(state).wait().promise;
    },
  );

  it('ends when the time is up, and reads nothing meanwhile', async () => {
    const { clock, now, tell, wait } = desk();
    const { promise, ended } = wait();
    await clock.untilSleeping();
    tell('RUNNING', other);
    tell('QUEUED');
    await clock.advance(999);
    expect([ended.yes, now.reads]).toEqual([false, 1]);
    await clock.advance(1);
    await promise;
    expect(now.reads).toBe(2);
  });

  it('misses no change that is told while it looks', async () => {
    const { now, change, wait } = desk();
    now.onRead = () => {
      now.onRead = () => undefined;
      change('RUNNING');
    };
    await wait().promise;
    expect(now.reads).toBe(2);
  });

  it('goes on when what it was told is not so any more', async () => {
    const { clock, now, tell, change, wait } = desk('INITIALIZING');
    const { promise, ended } = wait();
    await clock.untilSleeping();
    tell('RUNNING'); // by now the task waits again
    await clock.untilSleeping();
    await Promise.resolve();
    expect(ended.yes).toBe(false);
    change('COMPLETE');
    await promise;
    expect(now.reads).toBe(3);
  });

  it('rejects when called off, whenever that is', async () => {
    const { clock, now, wait } = desk();
    for (const early of [true, false]) {
      const controller = new AbortController();
      const leave = () => {
        controller.abort(new MagnetarError('ABORTED', 'the client left'));
      };
      if (early) now.onRead = leave;
      const { promise } = wait({}, { signal: controller.signal });
      const end = promise.catch((error: unknown) => error);
      if (!early) {
        await clock.untilSleeping();
        leave();
      }
      expect(isMagnetarError(await end, 'ABORTED')).toBe(true);
      now.onRead = () => undefined;
    }
  });

  it('ends with the server, and does not begin afterwards', async () => {
    const { clock, watch, wait } = desk();
    const before = wait();
    await clock.untilSleeping();
    watch.end();
    await before.promise;
    await wait().promise;
  });
});
