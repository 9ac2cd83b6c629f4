/** The allow-list of local folders: a path counts where its real path lies, links resolved, compared segment by segment. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileAccess, FileUse, FileVerdict } from '../../tasks/ports/file-access.ts';
import { hasDotDot, isBelow, segmentsOf } from '../../tasks/urls.ts';

export interface AllowListOptions {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

const isMissing = (error: unknown): boolean =>
  codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => !isMissing(error),
  );

/**
 * Real path of the nearest ancestor that exists, with the rest appended; undefined when it cannot be told
 * (a link to nowhere, a loop, a folder that may not be searched).
 */
const resolvePath = async (path: string): Promise<string | undefined> => {
  const rest: string[] = [];
  for (let here = path; ; here = dirname(here)) {
    try {
      return join(await realpath(here), ...rest);
    } catch (error) {
      if (!isMissing(error) || here === '/' || (await exists(here))) return undefined;
      rest.unshift(basename(here));
    }
  }
};

const resolveRoots = async (roots: readonly string[]): Promise<readonly string[]> => {
  const resolved = await Promise.all(roots.map(resolvePath));
  return resolved.filter((root) => root !== undefined);
};

const OUTSIDE = 'lies outside the allowed folders';

/** What is wrong with one path; undefined = allowed. */
const judge = async (
  path: string,
  roots: readonly string[],
  file: boolean,
): Promise<string | undefined> => {
  if (hasDotDot(path)) return 'has a ".." segment';
  if (segmentsOf(path).length === 0) return 'is the root of the file system';
  const real = await resolvePath(path);
  if (real === undefined) return 'cannot be resolved';
  const root = roots.find((candidate) => isBelow(real, candidate));
  if (root === undefined) return OUTSIDE;
  return file && segmentsOf(real).length === segmentsOf(root).length
    ? 'is an allowed folder itself, not a file in it'
    : undefined;
};

/** C24. Roots are resolved at each check: one may be created, mounted or replaced while the server runs. */
export const createAllowList = (options: AllowListOptions): FileAccess => {
  const roots: Readonly<Record<FileUse, readonly string[]>> = options;
  return {
    roots,
    async check(paths, use, { file }): Promise<FileVerdict> {
      const resolved = await resolveRoots(roots[use]);
      for (const path of paths) {
        const reason = await judge(path, resolved, file);
        if (reason !== undefined) {
          return { allowed: false, path, reason, outside: reason === OUTSIDE };
        }
      }
      return { allowed: true };
    },
  };
};
