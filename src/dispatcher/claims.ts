/** Takes waiting tasks for one destination: as many as there is room for, in the order of tasks/placement. */
import { claimed, endedWaiting } from '../tasks/attempts.ts';
import type { OwnerId } from '../tasks/ids.ts';
import {
  hasRoom,
  misfits,
  pick,
  slotsOf,
  usageOf,
  type Candidate,
  type Capacity,
  type Usage,
} from '../tasks/placement.ts';
import type { Places, TaskStore, WaitingClass } from '../tasks/ports/task-store.ts';
import type { Slots, Task } from '../tasks/task.ts';

export interface ClaimRequest {
  readonly store: TaskStore;
  readonly capacity: Capacity;
  readonly epoch: number;
  readonly now: number;
  /** Slots in use: active attempts and unpaid kills. */
  readonly used: readonly Slots[];
  readonly runningOf: (owner: OwnerId) => number;
  /** Most tasks of one owner that run anywhere; 0 = no limit. */
  readonly ownerRunning: number;
  readonly turns: Turns;
  readonly signal: AbortSignal;
}

interface Choice {
  readonly task: Task;
  readonly slots: Slots;
}

const add = (used: Usage, { cores, ram_bytes }: Slots): Usage => ({
  jobs: used.jobs + 1,
  cores: used.cores + cores,
  ram_bytes: used.ram_bytes + ram_bytes,
});

const NO_LIMIT: Places = { free: Infinity, held: new Set() };

type PlacesOf = (owner: OwnerId) => Places;

/** What the owners of waiting tasks may still start, asked for only where there is a limit. */
const readPlaces = async (
  { store, ownerRunning, signal }: ClaimRequest,
  waiting: readonly WaitingClass[],
): Promise<PlacesOf> => {
  if (ownerRunning === 0 || waiting.length === 0) return () => NO_LIMIT;
  const owners = [...new Set(waiting.map(({ owner }) => owner))];
  const places = await store.places(owners, ownerRunning, { signal });
  return (owner) => places.get(owner) ?? NO_LIMIT;
};

interface Queue {
  readonly waiting: WaitingClass;
  readonly tasks: Task[];
}

/** Queues of candidates by class and owner; picks until nothing fits any more. */
const choose = (
  queues: readonly Queue[],
  request: ClaimRequest,
  placesOf: PlacesOf,
): readonly Choice[] => {
  const chosen: Choice[] = [];
  let used = usageOf(request.used);
  const running = new Map<OwnerId, number>();
  const runningOf = (owner: OwnerId) => request.runningOf(owner) + (running.get(owner) ?? 0);
  const taken = new Map<OwnerId, number>();
  const mayStart = ({ owner, id }: Task): boolean => {
    const { free, held } = placesOf(owner);
    return held.has(id) || (taken.get(owner) ?? 0) < free;
  };
  for (;;) {
    const heads = queues.flatMap(({ waiting, tasks }): Candidate[] => {
      const task = tasks.find(mayStart);
      const fits = hasRoom(slotsOf(waiting.requirements), request.capacity, used);
      return task !== undefined && fits
        ? [{ class: waiting.class, owner: waiting.owner, task }]
        : [];
    });
    const next = pick(heads, runningOf);
    if (next === undefined) return chosen;
    const queue = queues.find(({ tasks }) => tasks.includes(next.task));
    queue?.tasks.splice(queue.tasks.indexOf(next.task), 1);
    if (!placesOf(next.owner).held.has(next.task.id)) {
      taken.set(next.owner, (taken.get(next.owner) ?? 0) + 1);
    }
    const slots = slotsOf(queue?.waiting.requirements ?? { cores: 0, ram_bytes: 0 });
    chosen.push({ task: next.task, slots });
    used = add(used, slots);
    running.set(next.owner, (running.get(next.owner) ?? 0) + 1);
  }
};

/** A wish that came while the task went back to waiting: nobody else would carry it out. */
const endWished = async ({ store, now, signal }: ClaimRequest, task: Task, reason: string) => {
  const head = endedWaiting(task, 'CANCELED', reason, now);
  await store.write(task.id, { rev: task.rev, ready: true }, head, { signal });
};

const claimOne = async (
  request: ClaimRequest,
  { task, slots }: Choice,
): Promise<readonly Task[]> => {
  const { store, capacity, epoch, now, ownerRunning, signal } = request;
  if (task.head.cancel !== undefined) {
    await endWished(request, task, task.head.cancel.reason);
    return [];
  }
  const head = claimed(task, { destination: capacity.name, epoch, slots, now });
  const guard = {
    rev: task.rev,
    ready: true,
    uncancelled: true,
    ...(ownerRunning === 0 ? {} : { places: ownerRunning }),
  } as const;
  const result = await store.write(task.id, guard, head, { signal });
  return result === 'applied' ? [{ ...task, rev: task.rev + 1, head }] : [];
};

/** Whose turn it is when more classes wait than one pass looks at: every class comes up, whatever the others do. */
export interface Turns {
  next(waiting: readonly WaitingClass[]): readonly WaitingClass[];
}

/** Each class costs a query. Priorities are compared within one pass, so that an urgent class may wait for its turn. */
const CLASSES_PER_PASS = 64;

const keyOf = (waiting: WaitingClass): string => `${waiting.class} ${waiting.owner}`;

const byKey = (a: WaitingClass, b: WaitingClass): number => (keyOf(a) < keyOf(b) ? -1 : 1);

export const createTurns = (most = CLASSES_PER_PASS): Turns => {
  let last = '';
  return {
    next(waiting) {
      if (waiting.length <= most) return waiting;
      const sorted = waiting.toSorted(byKey);
      const start = sorted.findIndex((one) => keyOf(one) > last);
      const turn = [...sorted.slice(Math.max(0, start)), ...sorted].slice(0, most);
      last = turn.map(keyOf).at(-1) ?? '';
      return turn;
    },
  };
};

/** The tasks that are this destination's now; a race lost to another destination just leaves one out. */
export const claimTasks = async (request: ClaimRequest): Promise<readonly Task[]> => {
  const { store, capacity, turns, signal } = request;
  const room = capacity.jobs - request.used.length;
  if (room <= 0) return [];
  const used = usageOf(request.used);
  const fitting = (await store.waiting({ signal })).filter(
    ({ requirements }) =>
      misfits(requirements, capacity).length === 0 &&
      hasRoom(slotsOf(requirements), capacity, used),
  );
  const placesOf = await readPlaces(request, fitting);
  const open = fitting.filter(({ owner }) => {
    const { free, held } = placesOf(owner);
    return free > 0 || held.size > 0;
  });
  const queues = await Promise.all(
    turns.next(open).map(async (waiting): Promise<Queue> => {
      const { free, held } = placesOf(waiting.owner);
      const among = free > 0 ? {} : { among: held };
      const group = { class: waiting.class, owner: waiting.owner, limit: room, ...among };
      return { waiting, tasks: [...(await store.candidates(group, { signal }))] };
    }),
  );
  const claims = choose(queues, request, placesOf).map((choice) => claimOne(request, choice));
  const results = await Promise.allSettled(claims); // one that fails must not hide the others, which are ours now
  const applied = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (applied.length === 0 && failure !== undefined) throw failure.reason;
  return applied;
};
