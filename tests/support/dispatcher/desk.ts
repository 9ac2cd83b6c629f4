/** The steps of the dispatcher on a real SQLite store, with a fake Pulsar and a clock that only the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  AttemptDeps,
  StepInput,
  StepResult,
  Watch,
} from '../../../src/dispatcher/attempt-context.ts';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import { compileRunnerSchema } from '../../../src/api/runner-schema.ts';
import { newWatch } from '../../../src/dispatcher/attempt-context.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import type { Logger } from '../../../src/kernel/logger.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { atPoint, claimed, runOf } from '../../../src/tasks/attempts.ts';
import type { Destination } from '../../../src/tasks/destination.ts';
import { NO_OWNER, type TaskId } from '../../../src/tasks/ids.ts';
import type { Changes } from '../../../src/tasks/ports/changes.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import type { Inbox, Point, Task, TaskHead } from '../../../src/tasks/task.ts';
import { newTask, type TaskWish } from '../tasks.ts';
import { createVirtualClock, type VirtualClock } from '../virtual-clock.ts';
import { createFakeTransport, type FakeTransport } from './fake-transport.ts';

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

export const { signal } = new AbortController();
export const EPOCH = 7;

const runnerSchema = compileRunnerSchema();

const DESTINATION: Destination = {
  name: 'local',
  capacity: { name: 'local', jobs: 4 },
  runtime: { kind: 'auto', network: 'default', pull: 'missing', images: {} },
  mounts: [],
  env: {},
  reach: { shared_filesystem: true, direct: ['http', 'https'], push: false },
  queues: false,
  limits: { pids: 1, log_bytes: 1000, tail_bytes: 10, grace_s: 2, stall_s: 60 },
};

export interface Desk {
  readonly store: TaskStore;
  readonly changes: Changes;
  readonly clock: VirtualClock;
  readonly transport: FakeTransport;
  /** Logs that were kept, as `<attempt>/<executor>.<stream>`. */
  readonly kept: Map<string, string>;
  readonly deps: AttemptDeps;
  /** A waiting task. */
  create(wish?: TaskWish): Promise<Task>;
  /** A task with an active attempt at this point. */
  at(
    point: Point,
    more?: { readonly inbox?: Inbox; readonly head?: Partial<TaskHead>; readonly wish?: TaskWish },
  ): Promise<Task>;
  get(id: TaskId): Promise<Task>;
  write(task: Task, head: TaskHead): Promise<Task>;
  wish(task: Task): Promise<Task>;
  /** Runs a step on the task as it is now; the watch stays the same for one job. */
  step(id: TaskId, run: (input: StepInput) => Promise<StepResult>): Promise<StepResult>;
  close(): Promise<void>;
}

export const createDesk = async (change: Partial<Destination> = {}): Promise<Desk> => {
  const directory = await mkdtemp(join(tmpdir(), 'desk-'));
  const { store, changes } = createSqliteStore({ path: join(directory, 'db'), logger: silent });
  const clock = createVirtualClock();
  const transport = createFakeTransport();
  const kept = new Map<string, string>();
  const watches = new Map<string, Watch>();
  const destination = { ...DESTINATION, ...change };
  const deps: AttemptDeps = {
    store,
    box: createSecretBox('an install secret of these tests'),
    clock,
    logger: silent,
    destination,
    transport,
    logs: {
      async keep({ attempt, executor, stream }, pieces) {
        let text = '';
        for await (const piece of pieces) text += Buffer.from(piece).toString();
        kept.set(`${String(attempt)}/${String(executor)}.${stream}`, text);
      },
      find: () => Promise.resolve(undefined),
    },
    storageOf: () => undefined,
    rules: {
      server: 'here',
      storageFor: () => ({ read: [], write: [], live: [], http_allow: [], ftp_allow: [] }),
      missing_output: 'complete',
      schemes: {},
    },
    timing: DEFAULT_TIMING,
    runnerFiles: [],
    runnerSchema,
    doorsFor: () => undefined,
    assertOwner: () => undefined,
    runtime: () => destination.runtime,
    mayClaim: () => true,
    random: () => 0,
  };
  const get: Desk['get'] = async (id) => {
    const task = await store.get(id, 'all', { signal });
    if (task === undefined) throw new Error(`no task ${id}`);
    return task;
  };
  const write: Desk['write'] = async ({ id, rev }, head) => {
    const result = await store.write(id, { rev }, head, { signal });
    if (result !== 'applied') throw new Error(`write: ${result}`);
    return get(id);
  };
  const create: Desk['create'] = async (wish) => {
    const task = newTask({ now: clock.now(), ...wish });
    await store.create(task, [], { signal });
    return get(task.id);
  };
  return {
    store,
    changes,
    clock,
    transport,
    kept,
    deps,
    create,
    get,
    write,
    async at(point, { inbox = {}, head = {}, wish } = {}) {
      const task = await create(wish);
      const slots = { cores: 1, ram_bytes: 0 };
      const input = { destination: destination.name, epoch: EPOCH, slots, now: clock.now() };
      let now = await write(task, claimed(task, input));
      if (point !== 'prepare') now = await write(now, atPoint(now, point, clock.now()));
      const run = { ...runOf(now), inbox };
      return write(now, { ...now.head, run, ...head });
    },
    async wish({ id }) {
      const wish = { at: clock.now(), by: NO_OWNER, reason: 'not wanted' };
      await store.wish(id, 'all', wish, { signal });
      return get(id);
    },
    async step(id, run) {
      const task = await get(id);
      const { job } = runOf(task);
      const watch = watches.get(job) ?? newWatch(job, clock.monotonic());
      watches.set(job, watch);
      return run({ deps, task, watch, signal, look: signal });
    },
    async close() {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
};
