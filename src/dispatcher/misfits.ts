/** Ends waiting tasks that no destination could ever run, saying why. On a shared store the destinations of all servers count, as their leases tell. */
import type { Clock } from '../kernel/clock.ts';
import { endedWaiting } from '../tasks/attempts.ts';
import type { ClassId } from '../tasks/ids.ts';
import { misfits, type Capacity } from '../tasks/placement.ts';
import type { Lease, TaskStore, WaitingClass } from '../tasks/ports/task-store.ts';
import type { Timing } from './timing.ts';

export interface MisfitDeps {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'absentMs' | 'misfitMs'>;
  /** What the destinations of this process offer. */
  readonly own: readonly Capacity[];
}

export interface Misfits {
  /** Looks once. */
  end(signal: AbortSignal): Promise<void>;
}

const BATCH = 100;

/** Why none of the destinations could ever run such a task; undefined = one could. */
const whyNowhere = (
  { requirements }: WaitingClass,
  capacities: readonly Capacity[],
): string | undefined => {
  const answers = capacities.map((capacity) => ({
    name: capacity.name,
    reasons: misfits(requirements, capacity),
  }));
  if (answers.some(({ reasons }) => reasons.length === 0)) return undefined;
  const text = answers.map(({ name, reasons }) => `${name}: ${reasons.join(', ')}`).join('; ');
  return `no destination can run this task (${text})`;
};

/** Leases are judged by how long they stand still on the clock of this process; no two machines' clocks are compared (DESIGN section 4). */
const createRegister = ({ clock, timing }: MisfitDeps) => {
  const seen = new Map<string, { readonly lease: Lease; readonly at: number }>();
  const isPresent = (lease: Lease): boolean => {
    const before = seen.get(lease.destination);
    const now = clock.monotonic();
    if (before?.lease.epoch === lease.epoch && before.lease.beat === lease.beat) {
      return now - before.at < timing.absentMs;
    }
    seen.set(lease.destination, { lease, at: now });
    return true;
  };
  return (leases: readonly Lease[]): readonly Capacity[] =>
    leases.filter(isPresent).flatMap(({ capacity }) => capacity ?? []);
};

export const createMisfits = (deps: MisfitDeps): Misfits => {
  const { store, clock, timing, own } = deps;
  const present = createRegister(deps);
  /** Since when each class has fitted nowhere. */
  const since = new Map<ClassId, number>();

  const ofOthers = async (signal: AbortSignal): Promise<readonly Capacity[]> => {
    const names = new Set(own.map(({ name }) => name));
    return present(await store.leases({ signal })).filter(({ name }) => !names.has(name));
  };

  /** Classes that fit no destination of this process are few, so that the others' leases are rarely read. */
  const find = async (signal: AbortSignal) => {
    const waiting = await store.waiting({ signal });
    const strange = waiting.filter((entry) => whyNowhere(entry, own) !== undefined);
    const others = strange.length === 0 || store.exclusive ? [] : await ofOthers(signal);
    return strange.flatMap((entry) => {
      const reason = whyNowhere(entry, [...own, ...others]);
      return reason === undefined ? [] : [{ entry, reason }];
    });
  };

  const isTime = (id: ClassId): boolean => {
    if (store.exclusive) return true;
    const from = since.get(id) ?? clock.monotonic();
    since.set(id, from);
    return clock.monotonic() - from >= timing.misfitMs;
  };

  return {
    async end(signal) {
      const found = await find(signal);
      const still = new Set(found.map(({ entry }) => entry.class));
      for (const id of since.keys()) if (!still.has(id)) since.delete(id);
      for (const { entry, reason } of found.filter((one) => isTime(one.entry.class))) {
        const request = { class: entry.class, owner: entry.owner, limit: BATCH };
        for (const task of await store.candidates(request, { signal })) {
          const head = endedWaiting(task, 'SYSTEM_ERROR', reason, clock.now());
          await store.write(task.id, { rev: task.rev, ready: true }, head, { signal });
        }
      }
    },
  };
};
