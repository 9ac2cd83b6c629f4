/** Checks of the folders below which tasks may read and write. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isBelow } from '../tasks/urls.ts';
import { fixedPart } from './file-roots.ts';
import type { KeyProblem } from './convict-schema.ts';
import { realPathOf } from './mounts.ts';
import type { StorageConfig } from './types.ts';

const rootProblem = (key: string, root: string): readonly KeyProblem[] =>
  (statSync(root, { throwIfNoEntry: false })?.isDirectory() ?? false)
    ? []
    : [{ key, message: `${root} is not a folder; create it or take it out` }];

/** Of the data directory only the folder of the quick start is for tasks. */
const FOR_TASKS = 'quickstart';

const SQLITE = 'sqlite:';

/** Where the database, the secrets and the work of other tasks lie. */
export interface Kept {
  readonly data: string;
  readonly storeUrl: string;
}

/** No task may get by a path to what the server keeps. */
const exposure = (key: string, root: string, { data, storeUrl }: Kept): readonly KeyProblem[] => {
  const real = realPathOf(root);
  const kept = realPathOf(data);
  const problem = (what: string, flag: string): readonly KeyProblem[] => {
    const advice = `open another folder, or move the data: ${flag}`;
    return [{ key, message: `${root} would open ${what} to tasks; ${advice}` }];
  };
  const isInside = isBelow(real, kept) && !isBelow(real, join(kept, FOR_TASKS));
  if (isBelow(kept, real) || isInside) return problem(`the data directory ${data}`, '--data DIR');
  const file = storeUrl.startsWith(SQLITE) ? storeUrl.slice(SQLITE.length) : undefined;
  return file !== undefined && isBelow(realPathOf(file), real)
    ? problem(`the database ${file}`, '--store sqlite:PATH')
    : [];
};

/** Every root must be there, for a misspelt one would refuse tasks later, and must keep clear of the data directory. */
export const rootProblems = (
  file: StorageConfig['file'],
  allow: readonly string[],
  kept: Kept,
): readonly KeyProblem[] => {
  const judge = (key: string) => (root: string) => [
    ...rootProblem(key, root),
    ...exposure(key, root, kept),
  ];
  return [
    ...file.read.flatMap(judge('storage.file.read')),
    ...file.write.flatMap(judge('storage.file.write')),
    ...file.roots.flatMap(({ path }, i) =>
      judge(`storage.file.roots[${String(i)}].path`)(fixedPart(path)),
    ),
    ...allow.flatMap(judge('--allow')),
  ];
};
