/** Folders that tasks may rename while the runner relies on their paths: mounts that tasks write and that overlap with a root, or hold another mount. */
import type { PlanMount } from '../tasks/plan.ts';
import { isBelow } from '../tasks/urls.ts';
import { fixedPart } from './file-roots.ts';
import type { KeyProblem } from './convict-schema.ts';
import { isNamed, realPathOf } from './mounts.ts';
import type { DestinationConfig, StorageConfig } from './types.ts';

interface Placed {
  readonly key: string;
  readonly mount: PlanMount;
  readonly real: string;
  readonly destination: DestinationConfig;
}

const ADVICE =
  'keep them apart, or if every task may be trusted with both, add the mount to allow_dangerous_mounts';

const placed = (destinations: readonly DestinationConfig[]): readonly Placed[] =>
  destinations.flatMap((destination, index) =>
    destination.mounts.map((mount) => ({
      key: `destinations[${String(index)}].mounts`,
      mount,
      real: realPathOf(mount.host),
      destination,
    })),
  );

/** What tasks could swap for a link; roots mean nothing to a destination that does not see the files of this server. */
const rootOverlaps = (
  one: Placed,
  { file }: Pick<StorageConfig, 'file'>,
): readonly KeyProblem[] => {
  const { key, mount, real, destination } = one;
  if (mount.mode !== 'rw' || !destination.shared_filesystem) return [];
  const roots = [
    ...file.read.map((path) => ({ path, name: 'read' })),
    ...file.write.map((path) => ({ path, name: 'write' })),
    ...file.roots.map(({ path }) => ({ path, name: 'roots' })),
  ];
  return roots
    .map((root) => ({ ...root, at: realPathOf(fixedPart(root.path)) }))
    .filter(({ at }) => isBelow(at, real) || isBelow(real, at))
    .map(({ path, name }) => ({
      key,
      message: `tasks write in the mount ${mount.host}, which overlaps with ${path} of storage.file.${name}: a task could lead inputs and outputs of others astray; ${ADVICE}`,
    }));
};

const isSameHost = (a: Placed, b: Placed): boolean =>
  a.key === b.key || (a.destination.shared_filesystem && b.destination.shared_filesystem);

const nestings = (one: Placed, all: readonly Placed[]): readonly KeyProblem[] =>
  all
    .filter(
      ({ mount, real }) => mount.mode === 'rw' && real !== one.real && isBelow(one.real, real),
    )
    .filter((outer) => isSameHost(one, outer))
    .slice(0, 1)
    .map(({ mount }) => ({
      key: one.key,
      message: `the mount ${one.mount.host} lies in the mount ${mount.host}, where tasks write: a task could put something else in its place; ${ADVICE}`,
    }));

/** Every overlap that is not named in `allow_dangerous_mounts`. */
export const overlapProblems = (
  destinations: readonly DestinationConfig[],
  storage: Pick<StorageConfig, 'file'>,
  allowed: readonly string[],
): readonly KeyProblem[] => {
  const all = placed(destinations);
  return all
    .filter(({ mount }) => !isNamed(mount.host, allowed))
    .flatMap((one) => [...rootOverlaps(one, storage), ...nestings(one, all)]);
};
