/** The allow-list of local folders: a path counts where its real path lies, links resolved, compared segment by segment. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createDeferred } from '../../kernel/deferred.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import { createTurns } from '../../kernel/turns.ts';
import type { FileAccess, FileVerdict } from '../../tasks/ports/file-access.ts';
import { hasDotDot, isBelow, segmentsOf } from '../../tasks/urls.ts';
import { codeOf } from './failures.ts';

export interface AllowListOptions {
  readonly rootsFor: FileAccess['rootsFor'];
  /** Longest time for the look-ups of one URL. */
  readonly lookUpMs?: number;
  readonly realPath?: RealPath;
}

type RealPath = (path: string) => Promise<string>;

/**
 * One URL at a time: a look-up that hangs, as on a network mount whose server is gone, keeps one of the few threads
 * for files, which commits need as well (ADR 0012).
 */
const AT_ONCE = 1;
const MOST_WAITING = 10_000;
const LOOK_UP_MS = 10_000;

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
const resolvePath = async (path: string, realPath: RealPath): Promise<string | undefined> => {
  const rest: string[] = [];
  for (let here = path; ; here = dirname(here)) {
    try {
      return join(await realPath(here), ...rest);
    } catch (error) {
      if (!isMissing(error) || here === '/' || (await exists(here))) return undefined;
      rest.unshift(basename(here));
    }
  }
};

/** One after the other, for the same reason. */
const resolveRoots = async (
  roots: readonly string[],
  realPath: RealPath,
): Promise<readonly string[]> => {
  const resolved: string[] = [];
  for (const root of roots) {
    const real = await resolvePath(root, realPath);
    if (real !== undefined) resolved.push(real);
  }
  return resolved;
};

/** The work goes on unheard after the time: nothing ends a look-up that hangs. */
const within = async <Result>(ms: number, path: string, work: Promise<Result>): Promise<Result> => {
  const late = createDeferred<never>();
  const timer = setTimeout(() => {
    const message = `${path} cannot be looked up: its file system does not answer`;
    late.reject(new MagnetarError('STORAGE_UNAVAILABLE', message));
  }, ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

const OUTSIDE = 'lies outside the allowed folders';

interface Judging {
  readonly roots: readonly string[];
  readonly file: boolean;
  readonly realPath: RealPath;
}

/** What is wrong with one path; undefined = allowed. */
const judge = async (
  path: string,
  { roots, file, realPath }: Judging,
): Promise<string | undefined> => {
  if (hasDotDot(path)) return 'has a ".." segment';
  if (segmentsOf(path).length === 0) return 'is the root of the file system';
  const real = await resolvePath(path, realPath);
  if (real === undefined) return 'cannot be resolved';
  const root = roots.find((candidate) => isBelow(real, candidate));
  if (root === undefined) return OUTSIDE;
  return file && segmentsOf(real).length === segmentsOf(root).length
    ? 'is an allowed folder itself, not a file in it'
    : undefined;
};

/** C24. Roots are resolved at each check: one may be created, mounted or replaced while the server runs. */
export const createAllowList = (options: AllowListOptions): FileAccess => {
  const { rootsFor, lookUpMs = LOOK_UP_MS, realPath = realpath } = options;
  const turns = createTurns(AT_ONCE, MOST_WAITING);

  const judgeAll = async (
    paths: readonly string[],
    open: readonly string[],
    file: boolean,
  ): Promise<FileVerdict> => {
    const judging = { roots: await resolveRoots(open, realPath), file, realPath };
    const outside: string[] = [];
    for (const path of paths) {
      const reason = await judge(path, judging);
      if (reason === OUTSIDE) outside.push(path);
      else if (reason !== undefined) return { allowed: false, path, reason, outside: false };
    }
    const [path] = outside;
    return path === undefined || outside.length < paths.length
      ? { allowed: true }
      : { allowed: false, path, reason: OUTSIDE, outside: true };
  };

  return {
    rootsFor,
    check: (paths, use, { file, caller }) =>
      within(
        lookUpMs,
        paths[0] ?? '',
        turns.run(() => judgeAll(paths, rootsFor(caller)[use], file)),
      ),
  };
};
