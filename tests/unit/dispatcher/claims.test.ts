/** What one destination takes of what waits: as much as fits, each task by one claim, none that is not wanted any more. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimTasks, createTurns, type ClaimRequest } from '../../../src/dispatcher/claims.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { failed, retried } from '../../../src/tasks/attempts.ts';
import { NO_OWNER } from '../../../src/tasks/ids.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { createDesk, EPOCH, signal, type Desk } from '../../support/dispatcher/desk.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

const claim = async (change: Partial<ClaimRequest> = {}): Promise<readonly Task[]> =>
  claimTasks({
    store: desk.store,
    capacity: { name: 'local', jobs: 4 },
    epoch: EPOCH,
    now: desk.clock.now(),
    used: [],
    runningOf: () => 0,
    ownerRunning: 0,
    turns: createTurns(),
    signal,
    ...change,
  });

const withCores = (cpu_cores: number) => ({ spec: { resources: { cpu_cores } } });

const idsOf = (tasks: readonly Task[]): readonly string[] => tasks.map(({ id }) => id).toSorted();

describe('claimTasks', () => {
  it('takes a task at `prepare` under the epoch of this owner', async () => {
    const { id } = await desk.create();
    const [task] = await claim();
    expect(task?.id).toBe(id);
    expect(task).toEqual(await desk.get(id));
    expect(task?.head).toMatchObject({
      state: 'INITIALIZING',
      ready: false,
      run: { point: 'prepare', epoch: EPOCH, destination: 'local' },
    });
    expect(await claim()).toEqual([]);
  });

  it('leaves room for what runs and for kills that are not confirmed', async () => {
    for (let n = 0; n < 5; n += 1) await desk.create();
    const used = Array.from({ length: 3 }, () => ({ cores: 0, ram_bytes: 0 }));
    expect(await claim({ used })).toHaveLength(1);
    expect(await claim({ used: [...used, { cores: 0, ram_bytes: 0 }] })).toEqual([]);
    expect(await claim({ capacity: { name: 'local', jobs: 0 } })).toEqual([]);
  });

  it('passes over what does not fit now, and what can never fit here', async () => {
    const large = await desk.create(withCores(3));
    const small = await desk.create(withCores(1));
    await desk.create(withCores(64));
    const capacity = { name: 'local', jobs: 4, cores: 4 };
    const used = [{ cores: 2, ram_bytes: 0 }];
    expect(idsOf(await claim({ capacity, used }))).toEqual([small.id]);
    expect(idsOf(await claim({ capacity }))).toEqual([large.id]);
    expect(await claim({ capacity })).toEqual([]);
  });

  it('asks for no candidates of a class for which there is no room now', async () => {
    const small = await desk.create(withCores(1));
    for (let cores = 3; cores <= 6; cores += 1) await desk.create(withCores(cores));
    const asked: string[] = [];
    const store: TaskStore = {
      ...desk.store,
      candidates: (request, options) => {
        asked.push(request.class);
        return desk.store.candidates(request, options);
      },
    };
    const capacity = { name: 'local', jobs: 4, cores: 8 };
    await claim({ store, capacity, used: [{ cores: 6, ram_bytes: 0 }] });
    expect(asked).toEqual([small.class]);
  });

  it('looks at so many classes in one pass, and at all of them in turn', async () => {
    const made = [];
    for (let cores = 1; cores <= 7; cores += 1) made.push(await desk.create(withCores(cores)));
    const turns = createTurns(3);
    const seen: string[] = [];
    const store: TaskStore = {
      ...desk.store,
      candidates: ({ class: id }) => {
        seen.push(id);
        return Promise.resolve([]); // others are always faster
      },
    };
    for (const passed of [3, 6, 9]) {
      await claim({ store, turns });
      expect(seen).toHaveLength(passed);
    }
    expect(new Set(seen).size).toBe(made.length);
    expect(seen.slice(0, 7).toSorted()).toEqual(made.map((task) => task.class).toSorted());
  });

  it('goes by priority, then by who has fewest running, then by age', async () => {
    const [old, , urgent] = [
      await desk.create({ owner: 'a' }),
      await desk.create({ owner: 'a' }),
      await desk.create({ owner: 'a', prio: 5 }),
    ];
    const other = await desk.create({ owner: 'b' });
    const capacity = { name: 'local', jobs: 1 };
    const next = async (): Promise<string | undefined> => (await claim({ capacity }))[0]?.id;
    expect(await next()).toBe(urgent.id);
    const busy = (owner: string) => (owner === 'a' ? 1 : 0);
    expect((await claim({ capacity, runningOf: busy }))[0]?.id).toBe(other.id);
    expect(await next()).toBe(old.id);
  });

  it('does not count one owner as idle twice within a batch', async () => {
    const wishes = ['a', 'a', 'b', 'b'].map((owner) => ({ owner }));
    for (const wish of wishes) await desk.create(wish);
    const tasks = await claim({ capacity: { name: 'local', jobs: 2 } });
    expect(tasks.map(({ owner }) => owner).toSorted()).toEqual(['a', 'b']);
  });

  it('claims each task once, also when two destinations ask at the same time', async () => {
    const made = [await desk.create(), await desk.create(), await desk.create()];
    const both = await Promise.all([claim(), claim({ capacity: { name: 'far', jobs: 4 } })]);
    expect(idsOf(both.flat())).toEqual(idsOf(made));
  });

  it('ends a waiting task that is not wanted any more instead of running it', async () => {
    const { id } = await desk.create();
    const wish = { at: desk.clock.now(), by: NO_OWNER, reason: 'not wanted' };
    await desk.store.wish(id, 'all', wish, { signal });
    expect(await claim()).toEqual([]);
    expect((await desk.get(id)).head).toMatchObject({ state: 'CANCELED', ready: false });
  });

  it('keeps what it got when a single claim fails, and says so when all do', async () => {
    const [first, second] = [await desk.create(), await desk.create()];
    const error = new MagnetarError('STORE_UNAVAILABLE', 'away');
    const failingFor = (ids: readonly string[]): TaskStore => ({
      ...desk.store,
      write: (id, ...rest) =>
        ids.includes(id) ? Promise.reject(error) : desk.store.write(id, ...rest),
    });
    expect(idsOf(await claim({ store: failingFor([first.id]) }))).toEqual([second.id]);
    await expect(claim({ store: failingFor([first.id]) })).rejects.toBe(error);
    expect(idsOf(await claim())).toEqual([first.id]);
  });
});

describe('the limit of running tasks of an owner', () => {
  const ownersOf = (tasks: readonly Task[]) => tasks.map(({ owner }) => owner).toSorted();
  const give = async (...owners: readonly string[]) => {
    for (const owner of owners) await desk.create({ owner });
  };
  const closing = (owed: 'nothing' | 'kill') =>
    ({ reason: 'lost', now: desk.clock.now(), owed }) as const;

  it('is not passed, whatever room there is, and others do not wait for it', async () => {
    await give('a', 'a', 'a', 'a', 'b');
    const taken = await claim({ ownerRunning: 2 });
    expect(ownersOf(taken)).toEqual(['a', 'a', 'b']);
    await give('b');
    expect(ownersOf(await claim({ ownerRunning: 2 }))).toEqual(['b']);
    const [ended] = taken.filter(({ owner }) => owner === 'a');
    if (ended === undefined) throw new Error('none of a');
    await desk.write(ended, failed(ended, closing('nothing')).head);
    expect(ownersOf(await claim({ ownerRunning: 2 }))).toEqual(['a']);
    expect(await claim({ ownerRunning: 2 })).toEqual([]);
  });

  it('counts what other destinations run, also those that claim at the same time', async () => {
    await give('a', 'a', 'a', 'a', 'a', 'a');
    const near = { ownerRunning: 3, capacity: { name: 'near', jobs: 2 } };
    const far = { ownerRunning: 3, capacity: { name: 'far', jobs: 4 } };
    expect((await Promise.all([claim(near), claim(far)])).flat()).toHaveLength(3);
    expect(await claim(near)).toEqual([]);
  });

  it('lets another attempt begin of what runs already, also behind urgent ones that wait', async () => {
    await give('a');
    const [task] = await claim({ ownerRunning: 1 });
    if (task === undefined) throw new Error('nothing was claimed');
    for (const prio of [5, 5]) await desk.create({ owner: 'a', prio });
    const owing = await desk.write(task, retried(task, closing('kill')).head);
    expect(await claim({ ownerRunning: 1 })).toEqual([]);
    await desk.write(owing, { ...owing.head, debts: [], ready: true });
    const capacity = { name: 'local', jobs: 1 };
    expect(idsOf(await claim({ ownerRunning: 1, capacity }))).toEqual([task.id]);
  });

  it("holds without access control, where all tasks are one owner's", async () => {
    for (let n = 0; n < 3; n += 1) await desk.create();
    expect(await claim({ ownerRunning: 2 })).toHaveLength(2);
  });

  it('does not let owners who may start nothing use up the turns of others', async () => {
    for (const cores of [1, 2, 3]) {
      await desk.create({ owner: 'a', ...withCores(cores) });
      await desk.create({ owner: 'a', ...withCores(cores) });
    }
    expect(await claim({ ownerRunning: 1 })).toHaveLength(1);
    const { id } = await desk.create({ owner: 'b', ...withCores(9) });
    expect(idsOf(await claim({ ownerRunning: 1, turns: createTurns(1) }))).toEqual([id]);
  });

  it('asks for no places while there is no limit', async () => {
    await give('a');
    const store: TaskStore = {
      ...desk.store,
      places: () => Promise.reject(new Error('not to be asked')),
    };
    expect(await claim({ store })).toHaveLength(1);
  });
});
