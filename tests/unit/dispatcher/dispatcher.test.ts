/** What all destinations of a process do together, beside other processes on the same store. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../../../src/dispatcher/dispatcher.ts';
import {
  createDestinationOwner,
  type DestinationOwner,
} from '../../../src/dispatcher/destination-owner.ts';
import { takeLease, type LeaseKeeper } from '../../../src/dispatcher/lease-keeper.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import { linkAbort, type LinkedAbort } from '../../../src/kernel/link-abort.ts';
import { runOf } from '../../../src/tasks/attempts.ts';
import { newJobId, type JobId } from '../../../src/tasks/ids.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { newReport, type TaskWish } from '../../support/tasks.ts';
import { createDesk, signal, silent, type Desk } from '../../support/dispatcher/desk.ts';
import { until } from '../../support/until.ts';

let desk: Desk;
let end: LinkedAbort;

beforeEach(async () => {
  desk = await createDesk();
  end = linkAbort(signal);
});

afterEach(async () => {
  end.abort(new Error('the test is over'));
  await desk.close();
});

/** The same rows, as a store that several processes share. */
const shared = (): TaskStore => ({ ...desk.store, exclusive: false });

const idle: DestinationOwner = {
  run: () => Promise.resolve(),
  ring: () => undefined,
  alive: () => undefined,
  active: () => 0,
  cancel: () => Promise.resolve(),
  opened: () => undefined,
};

const dispatcherOn = (store: TaskStore): Dispatcher =>
  createDispatcher({
    store,
    changes: { subscribe: () => () => undefined },
    clock: desk.clock,
    logger: silent,
    timing: DEFAULT_TIMING,
    destinations: [
      {
        destination: { ...desk.deps.destination, capacity: { name: 'local', jobs: 4, cores: 4 } },
        owner: idle,
      },
    ],
  });

/** Sweeps until `ms` have passed. */
const sweepFor = async (ms: number): Promise<void> => {
  for (let passed = 0; passed <= ms; passed += 5_000) {
    await desk.clock.untilSleeping();
    await desk.clock.advance(5_000);
  }
  await desk.clock.untilSleeping();
};

const wants = (cpu_cores: number): TaskWish => ({ spec: { resources: { cpu_cores } } });

describe('tasks that fit nowhere', () => {
  const run = (store: TaskStore): void => {
    void dispatcherOn(store).run(end.signal);
  };
  const stateOf = async (id: Parameters<Desk['get']>[0]) => (await desk.get(id)).head.state;
  /** Another server on the same store. */
  const otherServer = (cores: number): Promise<LeaseKeeper> =>
    takeLease(
      {
        store: shared(),
        clock: desk.clock,
        timing: DEFAULT_TIMING,
        destination: 'far',
        holder: 'other',
        address: '',
        capacity: { name: 'far', jobs: 1, cores },
      },
      signal,
    );

  it('are ended at once where no other server can be, saying why', async () => {
    const [large, small] = [await desk.create(wants(8)), await desk.create(wants(4))];
    run(desk.store);
    await until(async () => (await stateOf(large.id)) === 'SYSTEM_ERROR');
    expect((await desk.get(large.id)).head.log.at(-1)?.reason).toBe(
      'no destination can run this task (local: needs 8 cores, has 4)',
    );
    expect(await stateOf(small.id)).toBe('QUEUED');
  });

  it('are left to the destination of another server, however long they wait, as long as it lives', async () => {
    const { id } = await desk.create(wants(8));
    const named = await desk.create({
      spec: { resources: { backend_parameters: { destination: 'far' } } },
    });
    const keeper = await otherServer(16);
    run(shared());
    for (let n = 0; n < 3; n += 1) {
      await sweepFor(DEFAULT_TIMING.absentMs / 2);
      await keeper.renew(signal);
    }
    expect([await stateOf(id), await stateOf(named.id)]).toEqual(['QUEUED', 'QUEUED']);
    await keeper.release(signal); // its server is started anew: that may take a while
    await sweepFor(DEFAULT_TIMING.absentMs / 2);
    expect(await stateOf(id)).toBe('QUEUED');
    await sweepFor(DEFAULT_TIMING.absentMs + DEFAULT_TIMING.misfitMs);
    await until(async () => (await stateOf(id)) === 'SYSTEM_ERROR');
    await until(async () => (await stateOf(named.id)) === 'SYSTEM_ERROR');
  });

  it('are ended on a shared store too, naming the destinations of all servers', async () => {
    const { id } = await desk.create(wants(32));
    const keeper = await otherServer(16);
    run(shared());
    await sweepFor(DEFAULT_TIMING.misfitMs - 10_000);
    expect(await stateOf(id)).toBe('QUEUED'); // a server that just starts may have the destination
    await keeper.renew(signal);
    await sweepFor(10_000);
    await until(async () => (await stateOf(id)) === 'SYSTEM_ERROR');
    expect((await desk.get(id)).head.log.at(-1)?.reason).toBe(
      'no destination can run this task (local: needs 32 cores, has 4; far: needs 32 cores, has 16)',
    );
  });
});

/** A server on the shared store with a destination of this name; several may be configured for one. */
const serverWith = (holder: string, name: string): Dispatcher => {
  const destination = { ...desk.deps.destination, name, capacity: { name, jobs: 1 } };
  const store = shared();
  const deps = { ...desk.deps, store, destination, holder, address: '', ownerRunning: 0 };
  const owner = createDestinationOwner(deps);
  return createDispatcher({
    store,
    changes: desk.changes,
    clock: desk.clock,
    logger: silent,
    timing: DEFAULT_TIMING,
    destinations: [{ destination, owner }],
  });
};
const on = (destination: string): TaskWish => ({
  spec: { resources: { backend_parameters: { destination } } },
});

describe('a second Ctrl-C', () => {
  const states = async (tasks: readonly Task[]): Promise<readonly string[]> =>
    Promise.all(tasks.map(async ({ id }) => (await desk.get(id)).head.state));

  it('cancels what this server drives and takes nothing new; what others run goes on', async () => {
    const [near, far] = [serverWith('here', 'near'), serverWith('there', 'far')];
    const standby = serverWith('standby', 'far');
    void far.run(end.signal);
    const theirs = await desk.create(on('far'));
    await until(() => far.active() === 1);
    void near.run(end.signal);
    void standby.run(end.signal);
    const [ours, waiting] = [await desk.create(on('near')), await desk.create(on('near'))];
    await until(() => near.active() === 1);
    await until(async () => runOf(await desk.get(ours.id)).point === 'run');
    const report = newReport(runOf(await desk.get(ours.id)).job, { state: 'CANCELED' });
    desk.transport.files.set(`${report.job}/tes/report.json`, JSON.stringify(report));
    desk.transport.jobs.set(report.job, { status: 'cancelled', final: true });
    let over = false;
    void Promise.all([near, standby].map((server) => server.cancelActive(signal))).then(() => {
      over = true;
    });
    await until(() => desk.clock.advance(10).then(() => over), { what: 'the end of what runs' });
    expect(await states([ours, waiting])).toEqual(['CANCELED', 'QUEUED']);
    expect((await desk.get(theirs.id)).head).toMatchObject({ run: { destination: 'far' } });
    expect((await desk.get(theirs.id)).head.cancel).toBeUndefined();
    expect(near.active()).toBe(0);
  });
});

describe('what a job says that it moves', () => {
  it('goes from its beacon to its task, as long as it is the current job', async () => {
    const near = serverWith('here', 'near');
    void near.run(end.signal);
    const { id } = await desk.create(on('near'));
    const current = async () => (await desk.get(id)).head.run;
    await until(async () => (await current())?.point === 'run');
    const job = (await current())?.job ?? newJobId(id, 9, 9);
    const says = (speaker: JobId, progress: string) =>
      near.receive(speaker, { v: 1, job: speaker, event: 'alive', progress }, { signal });
    expect(await says(newJobId(id, 9, 9), 'of another')).toBe('over');
    expect(await says(job, '1 of 3')).toBe('go');
    await until(async () => (await current())?.progress !== undefined);
    expect(await current()).toHaveProperty('progress', '1 of 3');
  });
});
