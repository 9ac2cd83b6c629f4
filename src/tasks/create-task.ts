/** Creating a task: read, judge, then one durable insert. */
import type { Clock } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import { newTaskId, type TaskId } from './ids.ts';
import { keysOf } from './keys.ts';
import { isOverLimit, type Admission } from './owner-limits.ts';
import type { CallOptions } from './ports/call.ts';
import type { SecretBox } from './ports/secret-box.ts';
import type { CreateResult, NewTask, Once, TaskStore } from './ports/task-store.ts';
import { assertMayChange, type Principal } from './principal.ts';
import { alone, keyReused, onceOf } from './repeats.ts';
import { classOf, requirementsOf } from './requirements.ts';
import { assertStorage, type StorageRules } from './storage-rules.ts';
import { sealSecrets } from './task-secrets.ts';
import { TASK_VERSION, type Part, type TaskHead } from './task.ts';
import { readTask, type ReadRules, type ReadTask } from './validation/read-task.ts';

export interface CreateDeps {
  readonly store: TaskStore;
  readonly box: SecretBox;
  readonly admission: Admission;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly rules: ReadRules;
  readonly storage: StorageRules;
  /** How long equal bodies of an owner make one task; 0 = each makes its own. */
  readonly repeatWindowMs: number;
  /** Keys of the creations under way. */
  readonly keysInUse: Set<string>;
}

export interface CreateInput {
  /** What the client sent, as parsed from JSON. */
  readonly body: unknown;
  readonly principal: Principal;
  /** The client's name for this request: a second one of that name makes no second task. */
  readonly key?: string;
}

/** `id` may be that of an earlier request. */
export type Created = Exclude<CreateResult, 'other'>;

const DEFAULT_PRIORITY = 5;

const queued = (now: number): TaskHead => ({
  state: 'QUEUED',
  ready: true,
  changed: now,
  attempts: [],
  log: [{ seq: 1, attempt: 0, to: 'QUEUED', at: now }],
  debts: [],
});

const notesOf = (task: TaskId, notes: readonly string[]): readonly Part[] =>
  notes.length === 0
    ? []
    : [{ task, attempt: 0, kind: 'syslog', index: 0, text: JSON.stringify(notes) }];

const partsOf = (task: TaskId, { contents, notes }: ReadTask): readonly Part[] => [
  ...contents.map(({ index, text }): Part => ({ task, attempt: 0, kind: 'content', index, text })),
  ...notesOf(task, notes),
];

interface Judged {
  readonly read: ReadTask;
  readonly once: Once | undefined;
}

const place = async (
  deps: CreateDeps,
  principal: Principal,
  { read, once }: Judged,
  options: CallOptions,
): Promise<Created> => {
  await assertStorage({ spec: read.spec, caller: principal }, deps.storage, options);
  const { spec, partsFor } = sealSecrets(deps.box, read.spec, read.secrets);
  const id = newTaskId(deps.ids);
  const now = deps.clock.now();
  const requirements = requirementsOf(spec);
  const task: NewTask = {
    id,
    v: TASK_VERSION,
    owner: principal.owner,
    ...(principal.memberOf.length === 0 ? {} : { memberOf: principal.memberOf }),
    groups: principal.groups,
    ...(spec.name === undefined ? {} : { name: spec.name }),
    keys: keysOf(spec.name, spec.tags),
    spec,
    class: classOf(requirements),
    requirements,
    prio: DEFAULT_PRIORITY,
    created: now,
    head: queued(now),
  };
  const parts = partsOf(id, read);
  const asked = { ...options, partsFor, ...(once === undefined ? {} : { once }) };
  const create = () => deps.store.create(task, parts, asked);
  const created = await deps.admission.admit(principal.owner, create, options);
  if (created === 'other') throw keyReused();
  return created;
};

/** A creation that is refused for too many tasks may be one of them, asked for again. */
const earlier = async (
  { store }: CreateDeps,
  { scope }: Principal,
  once: Once | undefined,
  options: CallOptions,
): Promise<Created | undefined> => {
  const id = once === undefined ? undefined : await store.creation(once, options);
  if (id === 'other') throw keyReused();
  const found = id === undefined ? undefined : await store.summary(id, scope, options);
  return found === undefined ? undefined : { id: found.id, made: false };
};

/**
 * Answers once the task would survive a power cut. Nothing is staged, pulled or dispatched here (C7).
 * @throws MagnetarError BAD_TASK, SCHEME_UNSUPPORTED, STORAGE_REFUSED, KEY_REUSED, KEY_IN_USE, ROLE_REFUSED,
 *   LIMIT_REACHED, QUOTA_REACHED, STORE_UNAVAILABLE
 */
export const createTask = async (
  deps: CreateDeps,
  { body, principal, key }: CreateInput,
  options: CallOptions,
): Promise<Created> => {
  assertMayChange(principal);
  const read = readTask(body, deps.rules);
  const request = { owner: principal.owner, body, ...(key === undefined ? {} : { key }) };
  const once = onceOf(request, {
    windowMs: deps.repeatWindowMs,
    now: deps.clock.now(),
    print: deps.box.print,
  });
  const work = async () => {
    try {
      return await place(deps, principal, { read, once }, options);
    } catch (error) {
      const made = isOverLimit(error) ? await earlier(deps, principal, once, options) : undefined;
      if (made === undefined) throw error;
      return made;
    }
  };
  return once === undefined || key === undefined ? work() : alone(deps.keysInUse, once.key, work);
};
