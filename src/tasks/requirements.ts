/** What a task needs of a destination; its hash is the class that the scheduler groups by. */
import { hash } from 'node:crypto';
import { parseClassId, type ClassId } from './ids.ts';
import type { TaskSpec } from './spec.ts';

const GB = 1_000_000_000;
const MIB = 1024 * 1024;
/** Memory and disk are rounded up to this, so that near-equal tasks share a class. */
const SIZE_STEP = 256 * MIB;

/**
 * Disk, zones and preemptible split classes although no destination states them yet (`misfits` in placement.ts): the hash is stored
 * with each task, and a destination that states them must find the tasks that are there by then (DESIGN section 4).
 */
export interface Requirements {
  /** 0 = the task states none and takes what a job slot gives. */
  readonly cores: number;
  readonly ram_bytes: number;
  readonly disk_bytes: number;
  readonly zones: readonly string[];
  readonly preemptible: boolean;
  /** Name of the only destination that will do. */
  readonly destination?: string;
}

const roundUp = (bytes: number): number => Math.ceil(bytes / SIZE_STEP) * SIZE_STEP;

export const requirementsOf = (spec: TaskSpec): Requirements => {
  const resources = spec.resources ?? {};
  const destination = resources.backend_parameters?.['destination'];
  return {
    cores: resources.cpu_cores ?? 0,
    ram_bytes: roundUp((resources.ram_gb ?? 0) * GB),
    disk_bytes: roundUp((resources.disk_gb ?? 0) * GB),
    zones: [...(resources.zones ?? [])].sort(),
    preemptible: resources.preemptible ?? false,
    ...(destination === undefined ? {} : { destination }),
  };
};

export const classOf = (requirements: Requirements): ClassId =>
  parseClassId(
    hash(
      'sha256',
      JSON.stringify([
        requirements.cores,
        requirements.ram_bytes,
        requirements.disk_bytes,
        requirements.zones,
        requirements.preemptible,
        requirements.destination ?? '',
      ]),
      'base64url',
    ).slice(0, 22),
  );
