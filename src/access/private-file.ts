/** Small JSON files that only their owner may read: replaced whole by commands, followed by the server while it runs. */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError, messageOf } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';

/** Between the text of a file and its rows; a file that is not there has none. */
export interface FileForm<Row> {
  readonly parse: (text: string) => readonly Row[];
  readonly print: (rows: readonly Row[]) => string;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && Reflect.get(error, 'code') === code;

/** @throws MagnetarError STARTUP naming the file */
export const readRows = async <Row>(
  path: string,
  { parse }: FileForm<Row>,
): Promise<readonly Row[]> => {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw new MagnetarError('STARTUP', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
};

const { O_CREAT, O_EXCL, O_WRONLY } = constants;

const RETRY_MS = 50;

/** The new file is the lock as well: two commands at once would lose what one of them wrote. */
const openNew = async (path: string, waitMs: number) => {
  const end = performance.now() + waitMs;
  for (;;) {
    try {
      return await open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    if (performance.now() >= end) {
      throw new MagnetarError(
        'STARTUP',
        `${path} is there: another command is writing; try again, or remove it if none is`,
      );
    }
    await sleep(RETRY_MS);
  }
};

/** Under root the file belongs to whoever the folder belongs to: the server must be able to read it. */
const ownerOfFolder = async (path: string): Promise<readonly [number, number] | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = await stat(dirname(path));
  return [uid, gid];
};

/** Replaces the rows; the file is the old or the new one, whatever happens. For `waitMs` it waits for others who are at it. */
export const changeRows = async <Row>(
  path: string,
  form: FileForm<Row>,
  change: (rows: readonly Row[]) => readonly Row[] | Promise<readonly Row[]>,
  waitMs = 0,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.new`;
  const file = await openNew(fresh, waitMs);
  try {
    const text = form.print(await change(await readRows(path, form)));
    await file.writeFile(text);
    const owner = await ownerOfFolder(path);
    if (owner !== undefined) await file.chown(...owner);
    await file.sync();
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  } finally {
    await file.close();
  }
};

/** The rows of a file as they are now, give or take a second. */
export type Follow<Index> = () => Promise<Index>;

export interface FollowOptions<Row, Index> {
  readonly path: string;
  readonly form: FileForm<Row>;
  readonly index: (rows: readonly Row[]) => Index;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 1000;

const ABSENT = '';

const stampOf = async (path: string): Promise<string> => {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return [mtimeMs, size, ino].join('/');
  } catch (error) {
    return hasCode(error, 'ENOENT') ? ABSENT : 'out of reach';
  }
};

/** A file that has become unreadable leaves its last rows in force until it can be read, and says so in the log, once for each change of it. */
export const followRows = <Row, Index>(options: FollowOptions<Row, Index>): Follow<Index> => {
  const { path, form, index, clock, logger } = options;
  let known = index([]);
  let stamp = ABSENT;
  let unread = ABSENT;
  let looked = Number.NEGATIVE_INFINITY;
  let look: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    const now = await stampOf(path);
    if (now === stamp) return;
    try {
      known = index(await readRows(path, form));
      stamp = now;
    } catch (error) {
      if (unread !== now)
        logger.error('a file of credentials cannot be read', { file: path, error });
      unread = now;
    }
  };

  return async () => {
    if (clock.monotonic() - looked >= LOOK_EVERY_MS) {
      looked = clock.monotonic();
      look = refresh().finally(() => {
        look = undefined;
      });
    }
    if (look !== undefined) await look;
    return known;
  };
};
