/**
 * One step from an open folder to what lies in it, without trust in what a path meant a moment ago.
 *
 * On Linux `/proc/self/fd/<number>/<name>` begins at the very folder that is open, and O_PATH opens a thing only to look
 * at it: no link is followed, nothing blocks, and what is opened for reading is what was looked at.
 *
 * Elsewhere (macOS) there are only whole paths. They are looked at before and after each use, and both times must lie
 * where they lay, be the same thing and have no link in them. That finds a folder that was swapped for a link, but not one that was
 * swapped for the moment of the use alone and back: there, whoever works on this host can write in the roots must be trusted.
 */
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { segmentsOf } from '../../tasks/urls.ts';
import { codeOf, NOT_TEXT, SPECIAL, systemError } from './failures.ts';
import { textOf } from './names.ts';
import { isSame, Place } from './place.ts';

export interface Link {
  readonly target: string;
}

export interface Steps {
  top(): Promise<Place>;
  /** @throws what the system says; SPECIAL of what is neither file, folder nor link, without opening it */
  step(folder: Place, name: string): Promise<Place | Link>;
  /** Opens for more than looking. */
  open(place: Place, flags: number): Promise<FileHandle>;
  /** `pathOf` gives what the system takes for a name in the folder; '' is the folder itself. */
  within<Result>(
    folder: Place,
    work: (pathOf: (name: string) => string) => Promise<Result>,
  ): Promise<Result>;
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Node has no name for it; the same number on all processors that Node runs on. */
const O_PATH = 0o10000000;
const LOOK = O_PATH | O_NOFOLLOW;

const readLink = async (path: string): Promise<Link> => {
  try {
    const target = textOf(await readlink(path, { encoding: 'buffer' }));
    if (target === undefined) throw systemError(NOT_TEXT);
    return { target };
  } catch (error) {
    throw codeOf(error) === 'EINVAL' ? systemError('ESTALE') : error; // no link any more
  }
};

const assertPlain = (info: BigIntStats): void => {
  if (!info.isFile() && !info.isDirectory()) throw systemError(SPECIAL);
};

/** Closes the handle unless all goes well. */
const keeping = async <Result>(
  handle: FileHandle,
  work: (info: BigIntStats) => Promise<Result> | Result,
): Promise<Result> => {
  try {
    return await work(await handle.stat({ bigint: true }));
  } catch (error) {
    await handle.close();
    throw error;
  }
};

/** First as a folder, because that mounts what is mounted on demand. */
const lookAt = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, LOOK | O_DIRECTORY);
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') throw error;
    return open(path, LOOK);
  }
};

const numbered = ({ handle }: Place): string => `/proc/self/fd/${String(handle.fd)}`;

export const stepsByNumber: Steps = {
  async top() {
    const handle = await open('/', LOOK | O_DIRECTORY);
    return keeping(handle, (info) => new Place(handle, info, []));
  },
  step: (folder, name) =>
    folder.use(async () => {
      const path = `${numbered(folder)}/${name}`;
      const handle = await lookAt(path);
      const place = await keeping(handle, (info) => {
        if (info.isSymbolicLink()) return undefined;
        assertPlain(info);
        return new Place(handle, info, [...folder.names, name]);
      });
      if (place !== undefined) return place;
      await handle.close();
      return readLink(path);
    }),
  open: (place, flags) => place.use(() => open(numbered(place), flags)),
  within: (folder, work) => folder.use(() => work((name) => `${numbered(folder)}/${name}`)),
};

const assertThere = async ({ path, names, info }: Place): Promise<void> => {
  const real = segmentsOf(await realpath(path));
  const isReal = real.length === names.length && real.every((name, n) => name === names[n]);
  if (!isReal || !isSame(info, await lstat(path, { bigint: true }))) throw systemError('ESTALE');
};

const openThere = async (path: string, flags: number, wanted: BigIntStats): Promise<FileHandle> => {
  const handle = await open(path, flags | O_NOFOLLOW);
  return keeping(handle, (info) => {
    if (!isSame(info, wanted)) throw systemError('ESTALE');
    return handle;
  });
};

const pathIn = ({ path }: Place, name: string): string => `${path === '/' ? '' : path}/${name}`;

export const stepsByPath: Steps = {
  async top() {
    const handle = await open('/', O_RDONLY | O_DIRECTORY);
    return keeping(handle, (info) => new Place(handle, info, []));
  },
  async step(folder, name) {
    await assertThere(folder);
    const path = pathIn(folder, name);
    const info = await lstat(path, { bigint: true });
    if (info.isSymbolicLink()) return readLink(path);
    assertPlain(info);
    const kind = info.isDirectory() ? O_DIRECTORY : 0;
    const handle = await openThere(path, O_RDONLY | O_NONBLOCK | kind, info);
    return keeping(handle, async () => {
      const place = new Place(handle, info, segmentsOf(await realpath(path))); // as it is really spelled
      await assertThere(place);
      return place;
    });
  },
  open: ({ path, info }, flags) => openThere(path, flags, info),
  async within(folder, work) {
    await assertThere(folder);
    const result = await work((name) => pathIn(folder, name));
    await assertThere(folder);
    return result;
  },
};
