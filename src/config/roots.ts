/** Checks of the folders below which tasks may read and write. */
import { statSync } from 'node:fs';
import type { KeyProblem } from './convict-schema.ts';
import type { StorageConfig } from './types.ts';

const rootProblem = (key: string, root: string): readonly KeyProblem[] =>
  (statSync(root, { throwIfNoEntry: false })?.isDirectory() ?? false)
    ? []
    : [{ key, message: `${root} is not a folder; create it or take it out` }];

/** Every root must be there: a misspelt one would otherwise refuse tasks later. */
export const rootProblems = (
  storage: StorageConfig,
  allow: readonly string[],
): readonly KeyProblem[] => [
  ...storage.file.read.flatMap((root) => rootProblem('storage.file.read', root)),
  ...storage.file.write.flatMap((root) => rootProblem('storage.file.write', root)),
  ...allow.flatMap((root) => rootProblem('--allow', root)),
];
