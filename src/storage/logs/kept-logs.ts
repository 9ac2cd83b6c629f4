/** KeptLogs as files of the data directory, `<task>/<attempt>/<executor>.<stream>`; the oldest tasks' are removed first. */
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { KeptLogs, LogName } from '../../tasks/ports/kept-logs.ts';

export interface KeptLogsOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly limits?: KeepLimits;
}

export interface KeepLimits {
  readonly keptMs: number;
  /** All logs together, after each is kept. */
  readonly mostBytes: number;
  /** How often the age is looked at. */
  readonly sweepMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

const DEFAULT_LIMITS: KeepLimits = {
  keptMs: 7 * DAY_MS,
  mostBytes: 10 * 1024 ** 3,
  sweepMs: DAY_MS / 24,
};

interface TaskFolder {
  readonly path: string;
  readonly bytes: number;
  /** Of the newest file. */
  readonly changed: number;
}

const measure = async (path: string): Promise<TaskFolder> => {
  const names = await readdir(path, { recursive: true }).catch(() => []);
  const stats = await Promise.all(
    names.map((name) => lstat(join(path, name)).catch(() => undefined)),
  );
  const files = stats.filter((stat) => stat?.isFile() === true);
  return {
    path,
    bytes: files.reduce((sum, stat) => sum + (stat?.size ?? 0), 0),
    changed: Math.max(0, ...stats.map((stat) => stat?.mtimeMs ?? 0)),
  };
};

/** Removes what is too old or too much; answers what is left, in bytes. Ids of tasks are ordered by time. */
const sweep = async (directory: string, now: number, limits: KeepLimits): Promise<number> => {
  const tasks = await readdir(directory).catch(() => []);
  let left = 0;
  let isFull = false;
  for (const task of tasks.toSorted().reverse()) {
    const { path, bytes, changed } = await measure(join(directory, task));
    isFull ||= left + bytes > limits.mostBytes;
    if (isFull || now - changed >= limits.keptMs) await rm(path, { recursive: true, force: true });
    else left += bytes;
  }
  return left;
};

export const createKeptLogs = ({
  directory,
  clock,
  limits = DEFAULT_LIMITS,
}: KeptLogsOptions): KeptLogs => {
  let bytes = Infinity; // unknown until the first sweep
  let swept = 0;
  let writes = 0;

  const fileOf = ({ task, attempt, executor, stream }: LogName): string =>
    join(directory, task, String(attempt), `${String(executor)}.${stream}`);

  const isKept = async (path: string): Promise<boolean> => {
    const stat = await lstat(path).catch(() => undefined);
    return stat !== undefined && clock.now() - stat.mtimeMs < limits.keptMs;
  };

  const sweepWhenDue = async (): Promise<void> => {
    if (bytes <= limits.mostBytes && clock.now() - swept < limits.sweepMs) return;
    swept = clock.now();
    bytes = await sweep(directory, swept, limits);
  };

  return {
    async keep(name, pieces, { signal }) {
      const file = fileOf(name);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      writes += 1;
      const part = `${file}.${String(writes)}.part`; // two may write the same log at once
      try {
        await pipeline(pieces, createWriteStream(part, { mode: 0o600 }), { signal });
        bytes += (await lstat(part)).size;
        await rename(part, file);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
      await sweepWhenDue();
    },
    async find(name, { signal }) {
      signal.throwIfAborted();
      const file = fileOf(name);
      return (await isKept(file)) ? file : undefined;
    },
  };
};
