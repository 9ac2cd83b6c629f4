/** Storing: under a temporary name in the same folder, which gets its own name when all is there and on the disk. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { abortReason, failed } from '../connect/failures.ts';
import { temporaryName } from '../connect/temporary-name.ts';
import type { Line } from './disk.ts';
import { codeOf, systemError } from './failures.ts';
import type { Place } from './place.ts';
import type { Steps } from './steps.ts';
import { reachOrMake, type Goal } from './walk.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** File systems that cannot sync a folder, and folders that may be written but not read. */
const NO_SYNC: readonly (string | undefined)[] = ['EINVAL', 'ENOTSUP', 'EACCES', 'EBADF'];

const syncFolder = async (steps: Steps, folder: Place): Promise<void> => {
  try {
    const handle = await steps.open(folder, O_RDONLY | O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_SYNC.includes(codeOf(error))) throw error;
  }
};

/** Others may make the same at the same time. */
const makeIn = async (steps: Steps, folder: Place, name: string): Promise<void> => {
  try {
    await steps.within(folder, (pathOf) => mkdir(pathOf(name)));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  await syncFolder(steps, folder);
};

/** Opens the folder; it and those above it are made below the root. */
export const makeFolders = async (steps: Steps, goal: Goal): Promise<Place> => {
  try {
    return await reachOrMake(steps, goal, (folder, name) => makeIn(steps, folder, name));
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') throw error;
    throw failed(goal.url, 'there is a file where a folder should be');
  }
};

export interface Writing {
  readonly steps: Steps;
  readonly line: Line;
  /** For messages. */
  readonly url: string;
  readonly signal: AbortSignal;
  readonly folder: Place;
  /** In the folder; what has it is replaced, a link too. */
  readonly name: string;
}

const never = new AbortController().signal;

/** Bytes that must be on the disk within the stall time. */
const SYNC = 64 * 1024 * 1024;
/** Removing what was written must not hold up whoever called it off. */
const CLEAN_UP_MS = 5000;

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
};

const create = ({ steps, folder, name }: Writing, part: string): Promise<FileHandle> =>
  steps.within(folder, async (pathOf) => {
    if (await isFolder(pathOf(name))) throw systemError('EISDIR'); // before all is sent in vain
    return open(pathOf(part), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  });

const writeAll = async (handle: FileHandle, piece: Uint8Array): Promise<void> => {
  for (let done = 0; done < piece.length;) {
    done += (await handle.write(piece, done)).bytesWritten;
  }
};

/** The close is part of it: some file systems report only then what was not written. */
const fill = async (writing: Writing, handle: FileHandle, body: Readable): Promise<void> => {
  const { line, url, signal } = writing;
  let size = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    await line.run(() => writeAll(handle, piece), { url, signal });
    size += piece.length;
  }
  const times = 1 + Math.ceil(size / SYNC);
  await line.run(() => handle.sync(), { url, signal, times });
  await line.run(() => handle.close(), { url, signal });
};

/** Once begun it is not called off: nobody would know what came of it. */
const putInPlace = ({ steps, line, url, folder, name, signal }: Writing, part: string) =>
  line.run(
    async () => {
      if (signal.aborted) throw abortReason(signal);
      await steps.within(folder, (pathOf) => rename(pathOf(part), pathOf(name)));
      await syncFolder(steps, folder);
    },
    { url, signal: never },
  );

/** Answers when it is done, or after the time if it hangs. */
const remove = (
  { steps, line, folder }: Writing,
  part: string,
  made: { readonly file?: FileHandle },
) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CLEAN_UP_MS);
    const work = async (): Promise<void> => {
      await made.file?.close().catch(() => undefined);
      await steps.within(folder, (pathOf) => unlink(pathOf(part)));
    };
    void line.tidy(work).finally(() => {
      folder.leave();
      clearTimeout(timer);
      resolve();
    });
  });

/** Leaves the folder. @throws MagnetarError, or what `body` ended with */
export const store = async (writing: Writing, body: Readable): Promise<void> => {
  const { line, url, signal, folder } = writing;
  const part = temporaryName();
  const made: { file?: FileHandle } = {};
  try {
    const file = await line.run(
      async () => {
        made.file = await create(writing, part); // also when nobody waits for it any more
        return made.file;
      },
      { url, signal },
    );
    await fill(writing, file, body);
    await putInPlace(writing, part);
    folder.leave();
  } catch (error) {
    await remove(writing, part, made);
    throw error;
  }
};
