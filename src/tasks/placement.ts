/** Which waiting task a destination takes next: pure, so that "why not" is the same code as "why". */
import type { ClassId, OwnerId } from './ids.ts';
import type { Requirements } from './requirements.ts';
import type { Slots, Task } from './task.ts';

/** What a destination offers; an absent figure is not counted. */
export interface Capacity {
  readonly name: string;
  /** Jobs at the same time; 0 = paused. */
  readonly jobs: number;
  readonly cores?: number;
  readonly ram_bytes?: number;
}

export interface Usage {
  readonly jobs: number;
  readonly cores: number;
  readonly ram_bytes: number;
}

export const NO_USAGE: Usage = { jobs: 0, cores: 0, ram_bytes: 0 };

/** Slots of active attempts and of unpaid kills. */
export const usageOf = (slots: readonly Slots[]): Usage =>
  slots.reduce<Usage>(
    (sum, { cores, ram_bytes }) => ({
      jobs: sum.jobs + 1,
      cores: sum.cores + cores,
      ram_bytes: sum.ram_bytes + ram_bytes,
    }),
    NO_USAGE,
  );

export const slotsOf = ({ cores, ram_bytes }: Slots): Slots => ({ cores, ram_bytes });

/** Each reason why an idle destination could never run such a task; empty = it fits. */
export const misfits = (wants: Requirements, has: Capacity): readonly string[] => {
  const reasons: string[] = [];
  if (wants.destination !== undefined && wants.destination !== has.name) {
    reasons.push(`wants destination ${wants.destination}`);
  }
  if (has.cores !== undefined && wants.cores > has.cores) {
    reasons.push(`needs ${String(wants.cores)} cores, has ${String(has.cores)}`);
  }
  if (has.ram_bytes !== undefined && wants.ram_bytes > has.ram_bytes) {
    reasons.push(`needs ${String(wants.ram_bytes)} bytes of memory, has ${String(has.ram_bytes)}`);
  }
  return reasons;
};

/** Whether there is room now. */
export const hasRoom = (wants: Slots, has: Capacity, used: Usage): boolean =>
  used.jobs < has.jobs &&
  (has.cores === undefined || used.cores + wants.cores <= has.cores) &&
  (has.ram_bytes === undefined || used.ram_bytes + wants.ram_bytes <= has.ram_bytes);

/** The first waiting task of one class and owner. */
export interface Candidate {
  readonly class: ClassId;
  readonly owner: OwnerId;
  readonly task: Task;
}

/** Highest priority, then the owner with the fewest running, then the oldest. */
export const pick = (
  candidates: readonly Candidate[],
  runningOf: (owner: OwnerId) => number,
): Candidate | undefined =>
  candidates.toSorted(
    (a, b) =>
      b.task.prio - a.task.prio ||
      runningOf(a.owner) - runningOf(b.owner) ||
      (a.task.id < b.task.id ? -1 : 1),
  )[0];
