/** A place that runs attempts, as the domain sees it. */
import type { Capacity } from './placement.ts';
import type { PlanLimits, PlanMount, PlanRuntime } from './plan.ts';
import type { DataReach } from './transfers.ts';

export interface Destination {
  readonly name: string;
  readonly capacity: Capacity;
  readonly runtime: PlanRuntime;
  readonly mounts: readonly PlanMount[];
  readonly env: Readonly<Record<string, string>>;
  readonly reach: Omit<DataReach, 'server'>;
  /** Jobs may wait there before they start, as behind a batch system: `queued` is then a sign of life. */
  readonly queues: boolean;
  /** Limits of every job here; a task's own resources are added. */
  readonly limits: Omit<PlanLimits, 'cpus' | 'ram_bytes' | 'disk_bytes'>;
}
