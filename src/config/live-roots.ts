/** Live roots: folders that are roots and, for the tasks that work in them, mounts. What holds for either holds for them. */
import { placeIn } from '../tasks/grants.ts';
import { isBelow, segmentsOf } from '../tasks/urls.ts';
import type { KeyProblem } from './convict-schema.ts';
import { allRoots, fixedPart } from './file-roots.ts';
import { hostDanger, isNamed, realPathOf } from './mounts.ts';
import type { DestinationConfig, FileRootConfig, StorageConfig } from './types.ts';

const ADVICE = 'add the root to allow_dangerous_mounts';

/** Whether one may hold the other for anybody: what stands for a name stands for every name. */
const mayOverlap = (one: string, other: string): boolean => {
  const given = segmentsOf(other);
  return segmentsOf(one)
    .slice(0, given.length)
    .every((segment, i) => {
      const against = given[i] ?? '';
      return segment === against || placeIn(segment) !== -1 || placeIn(against) !== -1;
    });
};

const isSame = (one: FileRootConfig, other: FileRootConfig): boolean =>
  other.live && one.path === other.path;

interface Setting {
  readonly file: StorageConfig['file'];
  readonly destinations: readonly DestinationConfig[];
}

const problemsOf = (root: FileRootConfig, { file, destinations }: Setting): readonly string[] => {
  const fixed = fixedPart(root.path);
  const danger = hostDanger(fixed);
  const mounts = destinations
    .filter(({ shared_filesystem }) => shared_filesystem)
    .flatMap((destination) => destination.mounts)
    .filter(({ host, mode }) => mode === 'ro' && isBelow(realPathOf(host), fixed));
  const roots = allRoots(file).filter(
    (other) => !isSame(root, other) && mayOverlap(root.path, other.path),
  );
  return [
    ...(danger === undefined ? [] : [`${fixed} ${danger}; if you are sure, ${ADVICE}`]),
    ...mounts.map(
      ({ host }) =>
        `the mount ${host} lies in the live root ${root.path}, where tasks write: a task could put something else in its place; keep them apart, or ${ADVICE}`,
    ),
    ...roots.map(
      ({ path }) =>
        `tasks write in the live root ${root.path}, which overlaps with the root ${path}: a task could lead inputs and outputs of others astray; keep them apart, or if every task may be trusted with both, ${ADVICE}`,
    ),
  ];
};

/** What is wrong with live roots that are not named in `allow_dangerous_mounts`. */
export const liveRootProblems = (
  destinations: readonly DestinationConfig[],
  { file }: Pick<StorageConfig, 'file'>,
  allowed: readonly string[],
): readonly KeyProblem[] =>
  file.roots.flatMap((root, i) =>
    !root.live || isNamed(fixedPart(root.path), allowed)
      ? []
      : problemsOf(root, { file, destinations }).map((message) => ({
          key: `storage.file.roots[${String(i)}].path`,
          message,
        })),
  );
