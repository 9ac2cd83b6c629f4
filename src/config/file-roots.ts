/** The folders of `[storage.file]` and `[[storage.file.roots]]`: what is open to whom. Pure. */
import { fillIn, mayUse, placeIn, type Caller, type GrantRules } from '../tasks/grants.ts';
import type { PlanStorage } from '../tasks/plan.ts';
import type { FileUse } from '../tasks/ports/file-access.ts';
import type { FileRootConfig, StorageConfig } from './types.ts';

/** The folder of a pattern that is the same for everybody. */
export const fixedPart = (path: string): string => {
  const at = placeIn(path);
  return at === -1 ? path : path.slice(0, Math.max(1, path.lastIndexOf('/', at)));
};

/** The lists of paths as tables. */
export const allRoots = ({
  read,
  write,
  allow,
  roots,
}: StorageConfig['file']): readonly FileRootConfig[] => [
  ...read.map((path) => ({ path, mode: 'ro' as const, live: false, allow })),
  ...write.map((path) => ({ path, mode: 'wo' as const, live: false, allow })),
  ...roots,
];

/** What a job is told of them. */
export type JobRoots = Pick<PlanStorage, FileUse | 'live'>;

const USES: Readonly<Record<keyof JobRoots, (root: FileRootConfig) => boolean>> = {
  read: ({ mode }) => mode !== 'wo',
  write: ({ mode }) => mode !== 'ro',
  live: ({ live }) => live,
};

export const createFileRoots =
  (file: StorageConfig['file'], rules: GrantRules) =>
  (caller: Caller): JobRoots => {
    const granted = allRoots(file).filter((root) => mayUse(rules, root, caller));
    const pathsFor = (use: keyof JobRoots) => [
      ...new Set(granted.filter(USES[use]).flatMap(({ path }) => fillIn(path, caller))),
    ];
    return { read: pathsFor('read'), write: pathsFor('write'), live: pathsFor('live') };
  };
