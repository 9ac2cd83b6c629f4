/** ObjectStorage in local folders, for what this server moves itself because a destination does not share them. */
import type { Readable } from 'node:stream';
import { isMagnetarError } from '../../kernel/errors.ts';
import { optional } from '../../kernel/optional.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { FileUse } from '../../tasks/ports/file-access.ts';
import type {
  ObjectStorage,
  ReadAnswer,
  ReadOptions,
  Stored,
  StoredEntry,
  WriteOptions,
} from '../../tasks/ports/object-storage.ts';
import { filePathsOf, hasDotDot, outputPathOf, segmentsOf } from '../../tasks/urls.ts';
import { outgoingBody } from '../connect/bodies.ts';
import { failed, refused } from '../connect/failures.ts';
import { createDisk, type Disk } from './disk.ts';
import { listBelow } from './listing.ts';
import { isUsable } from './names.ts';
import type { Place } from './place.ts';
import { openFile, readOpen, versionOf } from './reading.ts';
import { stepsByNumber, stepsByPath, type Steps } from './steps.ts';
import { reach, type Goal } from './walk.ts';
import { makeFolders, store } from './writing.ts';

export interface FileStorageOptions {
  /** Real paths of folders; what lies elsewhere is refused, whatever was judged when the task came. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Longest time without an answer of the file system or a byte. */
  readonly stallMs: number;
  /** Shared by the adapters of all callers; absent = its own. */
  readonly disk?: Disk;
  readonly steps?: Steps;
}

const goalOf = (url: string, path: string | undefined, roots: readonly string[]): Goal => {
  if (path === undefined || !isUsable(path)) throw failed(url, 'names no local path');
  if (hasDotDot(path)) throw refused(url, 'has a ".." segment');
  return { url, names: segmentsOf(path), roots };
};

interface Found {
  /** Open; the caller leaves it. */
  readonly place: Place;
  /** The spelling of the URL that it was found by. */
  readonly path: string;
}

interface FileSystem {
  readonly steps: Steps;
  readonly disk: Disk;
  readonly stallMs: number;
  readonly roots: Readonly<Record<FileUse, readonly string[]>>;
}

const leave = (place: Place): void => {
  place.leave();
};

/** Another spelling of the URL may mean something that is there. */
const isElsewhere = (error: unknown): boolean =>
  isMagnetarError(error, 'STORAGE_MISSING') || isMagnetarError(error, 'STORAGE_REFUSED');

/** By the first spelling that leads to something. */
const find = async (
  { steps, disk, roots }: FileSystem,
  url: string,
  { signal }: CallOptions,
): Promise<Found> => {
  const [first, ...others] = filePathsOf(url);
  const findAs = async (path: string | undefined): Promise<Found> => {
    const goal = goalOf(url, path, roots.read);
    const place = await disk.run(() => reach(steps, goal), { url, signal, late: leave });
    return { place, path: `/${goal.names.join('/')}` };
  };
  let found = findAs(first);
  for (const other of others) {
    found = found.catch((error: unknown) => {
      if (isElsewhere(error)) return findAs(other);
      throw error;
    });
  }
  const { place } = await found;
  if (url.endsWith('/') && !place.info.isDirectory()) {
    place.leave();
    throw failed(url, 'is a file, not a folder');
  }
  return found;
};

const stat = async (system: FileSystem, url: string, call: CallOptions): Promise<Stored> => {
  const { place } = await find(system, url, call);
  place.leave();
  const { info } = place;
  return info.isDirectory()
    ? { kind: 'folder' }
    : { kind: 'file', size: Number(info.size), version: versionOf(info) };
};

const read = async (system: FileSystem, url: string, call: ReadOptions): Promise<ReadAnswer> => {
  const { steps, disk, stallMs } = system;
  const { place } = await find(system, url, call);
  try {
    const line = disk.line();
    const file = await line.run(() => openFile(steps, url, place), {
      url,
      signal: call.signal,
      late: ({ handle }) => void line.tidy(() => handle.close()),
    });
    return readOpen({ line, url, stallMs }, file, call);
  } finally {
    place.leave();
  }
};

async function* list(
  system: FileSystem,
  url: string,
  call: CallOptions,
): AsyncGenerator<StoredEntry> {
  const { steps, disk, roots } = system;
  const { place, path } = await find(system, url, call);
  if (!place.info.isDirectory()) {
    place.leave();
    throw failed(url, 'is a file, not a folder');
  }
  const { signal } = call;
  yield* listBelow({ steps, disk, url, path, roots: roots.read, signal }, [], place);
}

/** The folder of this path, made if need be; the caller leaves it. */
const openFolder = (
  { steps, disk }: FileSystem,
  goal: Goal,
  { signal }: CallOptions,
): Promise<Place> =>
  disk.run(() => makeFolders(steps, goal), { url: goal.url, signal, late: leave });

const write = async (
  system: FileSystem,
  url: string,
  source: Readable,
  { size, signal }: WriteOptions,
): Promise<number> => {
  const { steps, disk, stallMs, roots } = system;
  const { body, count } = outgoingBody(source, { url, stallMs, signal, ...optional('size', size) });
  try {
    const goal = goalOf(url, outputPathOf(url), roots.write);
    const name = goal.names.at(-1);
    if (name === undefined || url.endsWith('/')) throw failed(url, 'names no file');
    const folder = await openFolder(
      system,
      { ...goal, names: goal.names.slice(0, -1) },
      { signal },
    );
    await store({ steps, line: disk.line(), url, signal, folder, name }, body);
    return count();
  } finally {
    body.destroy();
  }
};

export const createFileStorage = (options: FileStorageOptions): ObjectStorage => {
  const { read: readRoots, write: writeRoots, stallMs } = options;
  const system: FileSystem = {
    steps: options.steps ?? (process.platform === 'linux' ? stepsByNumber : stepsByPath),
    disk: options.disk ?? createDisk(stallMs),
    stallMs,
    roots: { read: readRoots, write: writeRoots },
  };
  return {
    stat: (url, call) => stat(system, url, call),
    read: (url, call) => read(system, url, call),
    list: (url, call) => list(system, url, call),
    write: (url, body, call) => write(system, url, body, call),
    async makeFolder(url, call) {
      leave(await openFolder(system, goalOf(url, outputPathOf(url), system.roots.write), call));
    },
    close() {
      system.disk.close();
      return Promise.resolve();
    },
  };
};
