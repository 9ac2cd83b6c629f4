/** Builders of domain records for tests. */
import { createIdSource } from '../../src/kernel/ids.ts';
import { NO_OWNER, newTaskId, parseOwnerId, type OwnerId } from '../../src/tasks/ids.ts';
import { keysOf } from '../../src/tasks/keys.ts';
import type { NewTask } from '../../src/tasks/ports/task-store.ts';
import type { Report } from '../../src/tasks/report.ts';
import { classOf, requirementsOf } from '../../src/tasks/requirements.ts';
import type { TaskSpec } from '../../src/tasks/spec.ts';
import { TASK_VERSION, type Task } from '../../src/tasks/task.ts';

const ids = createIdSource(() => Date.now());

export interface TaskWish {
  readonly spec?: Partial<TaskSpec>;
  readonly owner?: string;
  readonly groups?: readonly string[];
  readonly prio?: number;
  readonly now?: number;
}

export const newTask = ({
  spec = {},
  owner,
  groups = [],
  prio = 0,
  now = Date.now(),
}: TaskWish = {}): NewTask => {
  const full: TaskSpec = { executors: [{ image: 'any', command: ['true'] }], ...spec };
  const requirements = requirementsOf(full);
  const who: OwnerId = owner === undefined ? NO_OWNER : parseOwnerId(owner);
  return {
    id: newTaskId(ids),
    v: TASK_VERSION,
    owner: who,
    groups,
    ...(full.name === undefined ? {} : { name: full.name }),
    keys: keysOf(full.name, full.tags),
    spec: full,
    class: classOf(requirements),
    prio,
    created: now,
    requirements,
    head: {
      state: 'QUEUED',
      ready: true,
      changed: now,
      attempts: [],
      log: [{ seq: 1, attempt: 0, to: 'QUEUED', at: now }],
      debts: [],
    },
  };
};

/** The task as a store answers it. */
export const storedTask = (wish: TaskWish = {}): Task => {
  const { keys: _keys, requirements: _requirements, ...task } = newTask(wish);
  return { ...task, rev: 1 };
};

export const newReport = (job: string, change: Partial<Report> = {}): Report => ({
  v: 1,
  job,
  state: 'COMPLETE',
  start: '2026-01-01T00:00:00.000Z',
  end: '2026-01-01T00:00:01.000Z',
  error: null,
  host: { runtime: 'bubblewrap' },
  system_logs: [],
  executors: [
    {
      i: 0,
      start: '2026-01-01T00:00:00.100Z',
      end: '2026-01-01T00:00:00.900Z',
      exit_code: 0,
      stdout: 'out',
      stderr: '',
      stdout_bytes: 3,
      stderr_bytes: 0,
    },
  ],
  inputs: [],
  outputs: [],
  ...change,
});
