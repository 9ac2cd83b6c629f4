/** Checks of the folders below which tasks may read and write. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isBelow } from '../tasks/urls.ts';
import type { KeyProblem } from './convict-schema.ts';
import { realPathOf } from './mounts.ts';
import type { StorageConfig } from './types.ts';

const rootProblem = (key: string, root: string): readonly KeyProblem[] =>
  (statSync(root, { throwIfNoEntry: false })?.isDirectory() ?? false)
    ? []
    : [{ key, message: `${root} is not a folder; create it or take it out` }];

/** The database, the secrets and the work of other tasks lie in the data directory: no task may get there by a path. */
const exposure = (key: string, root: string, data: string): readonly KeyProblem[] => {
  const real = realPathOf(root);
  const kept = realPathOf(data);
  if (!isBelow(kept, real) && !isBelow(real, join(kept, 'pulsar'))) return [];
  const advice = 'open another folder, or move the data: --data DIR';
  return [{ key, message: `${root} would open the data directory ${data} to tasks; ${advice}` }];
};

/** Every root must be there, for a misspelt one would refuse tasks later, and must keep clear of the data directory. */
export const rootProblems = (
  storage: StorageConfig,
  allow: readonly string[],
  data: string,
): readonly KeyProblem[] => {
  const judge = (key: string) => (root: string) => [
    ...rootProblem(key, root),
    ...exposure(key, root, data),
  ];
  return [
    ...storage.file.read.flatMap(judge('storage.file.read')),
    ...storage.file.write.flatMap(judge('storage.file.write')),
    ...allow.flatMap(judge('--allow')),
  ];
};
