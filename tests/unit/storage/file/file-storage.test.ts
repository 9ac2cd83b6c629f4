import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFileStorage } from '../../../../src/storage/file/file-storage.ts';
import { stepsByNumber, stepsByPath, type Steps } from '../../../../src/storage/file/steps.ts';
import type { ObjectStorage } from '../../../../src/tasks/ports/object-storage.ts';
import { openFilesBelow } from '../../../support/storage/open-files.ts';
import { startSwapper } from '../../../support/storage/swapper.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';

const call = { signal: new AbortController().signal };

const collect = async (body: Readable): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString();
};

/** `root` may be read and written; `outside` lies beside it. */
const createPlaces = (steps: Steps = stepsByNumber) => {
  const top = createTempFolder();
  const [root, outside] = [join(top, 'root'), join(top, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  const storage = createFileStorage({ read: [root], write: [root], stallMs: 20_000, steps });
  return {
    top,
    root,
    outside,
    storage,
    at: (...names: readonly string[]) => join(root, ...names),
    read: async (url: string) => collect((await storage.read(url, call)).body),
    write: (url: string, text: string) =>
      storage.write(url, Readable.from([Buffer.from(text)]), call),
    list: async (url: string) => {
      const paths: string[] = [];
      for await (const { path } of storage.list(url, call)) paths.push(path.join('/'));
      return paths;
    },
  };
};

const failing = (code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message }) as unknown;

const CALLS: Readonly<Record<string, (storage: ObjectStorage, url: string) => Promise<unknown>>> = {
  stat: (storage, url) => storage.stat(url, call),
  read: (storage, url) => storage.read(url, call),
  list: (storage, url) => storage.list(url, call)[Symbol.asyncIterator]().next(),
  write: (storage, url) => storage.write(url, Readable.from([Buffer.from('new')]), call),
  makeFolder: (storage, url) => storage.makeFolder(url, call),
};

describe.each([
  ['by number', stepsByNumber],
  ['by path', stepsByPath],
])('links, %s', (_, steps) => {
  it('are followed when they lead below a root', async () => {
    const { root, at, read, storage } = createPlaces(steps);
    mkdirSync(at('a', 'b'), { recursive: true });
    writeFileSync(at('a', 'b', 'file'), 'bytes');
    symlinkSync(at('a'), at('absolute'));
    symlinkSync('absolute/b/../b', at('relative'));
    symlinkSync('../../relative/file', at('a', 'b', 'up'));
    symlinkSync(root, at('..', 'way-in'));
    for (const url of [
      at('relative', 'file'),
      at('a', 'b', 'up'),
      at('..', 'way-in', 'a/b/file'),
    ]) {
      expect(await read(url)).toBe('bytes');
    }
    expect(await storage.stat(at('relative'), call)).toEqual({ kind: 'folder' });
  });

  it.each(Object.keys(CALLS))(
    'are STORAGE_REFUSED for %s when they lead elsewhere',
    async (name) => {
      const { at, outside, storage } = createPlaces(steps);
      symlinkSync(outside, at('folder'));
      symlinkSync('../outside', at('relative'));
      symlinkSync('folder', at('chain'));
      for (const link of ['folder', 'relative', 'chain']) {
        for (const last of ['secret', 'none', 'none/none']) {
          const work = CALLS[name]!(storage, at(link, last));
          await expect(work).rejects.toEqual(failing('STORAGE_REFUSED'));
        }
      }
      expect(readdirSync(outside)).toEqual(['secret']);
      expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    },
  );

  it('that go in circles are STORAGE_FAILED', async () => {
    const { at, storage } = createPlaces(steps);
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    const wanted = failing('STORAGE_FAILED', expect.stringContaining('too many links'));
    await expect(storage.stat(at('a'), call)).rejects.toEqual(wanted);
  });

  it('are replaced themselves when they have the name of what is written', async () => {
    const { at, outside, write } = createPlaces(steps);
    symlinkSync(join(outside, 'secret'), at('out'));
    await write(at('out'), 'new');
    expect(lstatSync(at('out')).isFile()).toBe(true);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('may lead to the folder that is written to', async () => {
    const { at, write } = createPlaces(steps);
    mkdirSync(at('real'));
    symlinkSync('real', at('link'));
    symlinkSync('made/later', at('dangling'));
    await write(at('link', 'deep', 'file'), 'new');
    await write(at('dangling', 'file'), 'newer');
    expect(readFileSync(at('real', 'deep', 'file'), 'utf8')).toBe('new');
    expect(readFileSync(at('made', 'later', 'file'), 'utf8')).toBe('newer');
  });

  it('are listed as what they lead to; those that lead elsewhere, nowhere or back are left out', async () => {
    const { at, outside, list } = createPlaces(steps);
    mkdirSync(at('top', 'sub'), { recursive: true });
    mkdirSync(at('other'));
    writeFileSync(at('other', 'file'), 'bytes');
    symlinkSync('../other', at('top', 'folder'));
    symlinkSync('../other/file', at('top', 'file'));
    symlinkSync(outside, at('top', 'outside'));
    symlinkSync('nowhere', at('top', 'nowhere'));
    symlinkSync('../..', at('top', 'sub', 'above'));
    symlinkSync('..', at('top', 'sub', 'back'));
    expect(await list(at('top'))).toEqual([
      ...['file', 'folder', 'folder/file', 'sub'],
      ...['sub/above', 'sub/above/other', 'sub/above/other/file'],
    ]);
  });
});

describe('a root', () => {
  it('that is missing is named, and not made', async () => {
    const { at, root, storage } = createPlaces();
    renameSync(root, `${root}.away`);
    const wanted = failing(
      'STORAGE_UNAVAILABLE',
      expect.stringContaining(`the allowed folder ${root} is not there`),
    );
    for (const work of Object.values(CALLS)) {
      await expect(work(storage, at('a', 'b'))).rejects.toEqual(wanted);
    }
    expect(existsSync(root)).toBe(false);
  });

  it('that was replaced by a link opens nothing else', async () => {
    const { root, outside, storage } = createPlaces();
    renameSync(root, `${root}.away`);
    symlinkSync(outside, root);
    for (const work of Object.values(CALLS)) {
      await expect(work(storage, join(root, 'secret'))).rejects.toEqual(failing('STORAGE_REFUSED'));
    }
  });

  it('opens neither what begins like it nor what ".." leads to', async () => {
    const { root, storage, outside } = createPlaces();
    const urls = [`${root}-more/a`, outside, '/etc', `${root}/a/../../outside/secret`];
    const odd = [`file://${root}/%2e%2e/outside/secret`, `file://${root}%2F..%2Foutside/secret`];
    for (const url of [...urls, ...odd]) {
      for (const work of Object.values(CALLS)) {
        await expect(work(storage, url)).rejects.toEqual(failing('STORAGE_REFUSED'));
      }
    }
  });
});

describe('spellings', () => {
  it('are literal first, then percent-decoded for reading; well-formed URLs are decoded for writing', async () => {
    const { root, at, read, write } = createPlaces();
    writeFileSync(at('a b'), 'decoded');
    expect(await read(`file://${root}/a%20b`)).toBe('decoded');
    writeFileSync(at('a%20b'), 'literal');
    expect(await read(`file://${root}/a%20b`)).toBe('literal');
    await write(`file://${root}/a%20b`, 'new');
    expect(readFileSync(at('a b'), 'utf8')).toBe('new');
    await write(`file://${root}/c d%20`, 'raw');
    expect(readFileSync(at('c d%20'), 'utf8')).toBe('raw');
  });

  it('of files in a folder are their paths: no name is decoded by chance', async () => {
    const { root, at, read, storage } = createPlaces();
    writeFileSync(at('%41'), 'one');
    writeFileSync(at('%2541'), 'two');
    const found: string[] = [];
    for await (const { url } of storage.list(`file://${root}`, call)) found.push(await read(url));
    expect(found).toEqual(['two', 'one']);
  });

  it.each(['a\0b', 'a\ud800b'])('that no file can have are STORAGE_FAILED: %j', async (name) => {
    const { root, storage } = createPlaces();
    for (const work of Object.values(CALLS)) {
      await expect(work(storage, `${root}/${name}`)).rejects.toEqual(failing('STORAGE_FAILED'));
    }
    expect(readdirSync(root)).toEqual([]);
  });

  it('of names that are not UTF-8 do not exist, so a list with one is STORAGE_FAILED', async () => {
    const { root, at, list } = createPlaces();
    mkdirSync(at('in'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/in/caf`), Buffer.from([0xe9])]), 'x');
    const message = expect.stringContaining(
      `the name caf\\xE9 in ${root}/in is not UTF-8`,
    ) as unknown;
    await expect(list(root)).rejects.toEqual(failing('STORAGE_FAILED', message));
  });
});

describe('what is no file', () => {
  const createSpecial = async (at: (name: string) => string): Promise<void> => {
    execFileSync('sh', ['-c', 'mkfifo "$0"', at('pipe')]);
    const server = createServer().listen(at('socket'));
    onTestFinished(() => void server.close());
    await until(() => existsSync(at('socket')));
  };

  it.each([
    ['by number', stepsByNumber],
    ['by path', stepsByPath],
  ])('is STORAGE_FAILED at once, and left out of lists, %s', async (_, steps) => {
    const { at, root, storage, list } = createPlaces(steps);
    await createSpecial(at);
    const wanted = failing(
      'STORAGE_FAILED',
      expect.stringContaining('neither a file nor a folder'),
    );
    for (const name of ['pipe', 'socket']) {
      await expect(storage.stat(at(name), call)).rejects.toEqual(wanted);
      await expect(storage.read(at(name), call)).rejects.toEqual(wanted);
    }
    expect(await list(root)).toEqual([]);
  });

  it('is STORAGE_FAILED to be read or replaced when it is a folder, and to be entered when it is a file', async () => {
    const { at, read, write, list, storage } = createPlaces();
    mkdirSync(at('folder'));
    writeFileSync(at('file'), 'x');
    for (const work of [
      () => read(at('folder')),
      () => write(at('folder'), 'x'),
      () => write(`${at('name')}/`, 'x'),
      () => write(at('file', 'deeper'), 'x'),
      () => list(at('file')),
      () => storage.stat(`${at('file')}/`, call),
      () => storage.makeFolder(at('file'), call),
    ]) {
      await expect(work()).rejects.toEqual(failing('STORAGE_FAILED'));
    }
    expect(readdirSync(at())).toEqual(['file', 'folder']);
  });
});

describe('a file that changes', () => {
  const BIG = 4 * 1024 * 1024;
  const readWhile = async (change: (path: string) => void): Promise<unknown> => {
    const { at, storage } = createPlaces();
    writeFileSync(at('big'), Buffer.alloc(BIG));
    const { body } = await storage.read(at('big'), call);
    await once1(body);
    change(at('big'));
    return collect(body);
  };
  const once1 = (body: Readable): Promise<void> =>
    new Promise((resolve) => body.once('readable', resolve));

  it.each([
    [
      'shorter',
      'changed while',
      (path: string) => {
        truncateSync(path, 10);
      },
    ],
    [
      'longer',
      'changed while',
      (path: string) => {
        appendFileSync(path, 'more');
      },
    ],
    [
      'another of the same size',
      'changed while',
      (path: string) => {
        writeFileSync(path, Buffer.alloc(BIG, 1));
      },
    ],
  ])('to %s is STORAGE_UNAVAILABLE', async (_, text, change) => {
    const wanted = failing('STORAGE_UNAVAILABLE', expect.stringContaining(text));
    await expect(readWhile(change)).rejects.toEqual(wanted);
  });
});

describe('trees', () => {
  const deep = (levels: number) => Array.from({ length: levels }, () => 'd');

  it('are listed down to 64 folders', async () => {
    const { at, root, list } = createPlaces();
    mkdirSync(at(...deep(64)), { recursive: true });
    writeFileSync(at(...deep(64), 'file'), 'x');
    expect(await list(root)).toHaveLength(65);
    mkdirSync(at(...deep(65)));
    await expect(list(root)).rejects.toEqual(
      failing('STORAGE_FAILED', expect.stringContaining('64')),
    );
    await until(() => openFilesBelow(root) === 0);
  });

  it('show names in order, parents first', async () => {
    const { at, root, list } = createPlaces();
    for (const folder of ['b', 'b/empty', 'a']) mkdirSync(at(folder));
    for (const file of ['b/z', 'a/y', 'c', 'B']) writeFileSync(at(file), 'x');
    expect(await list(root)).toEqual(['B', 'a', 'a/y', 'b', 'b/empty', 'b/z', 'c']);
  });

  it('close their folders when the reader leaves in the middle', async () => {
    const { at, root, storage } = createPlaces();
    mkdirSync(at('a', 'b', 'c'), { recursive: true });
    for (const last of [1, 2, 3]) {
      let seen = 0;
      for await (const entry of storage.list(root, call)) {
        seen += entry.path.length > 0 ? 1 : 0;
        if (seen === last) break;
      }
      await until(() => openFilesBelow(root) === 0);
    }
  });
});

describe('permissions', () => {
  /** Runs as somebody who owns nothing, since root may do everything. */
  const asNobody = async (work: () => Promise<void>): Promise<void> => {
    const own = process.geteuid?.();
    if (own === 0) process.seteuid?.(65534);
    try {
      await work();
    } finally {
      if (own === 0) process.seteuid?.(0);
    }
  };

  it('that are missing are STORAGE_DENIED', async () => {
    const { top, at, read, write, list } = createPlaces();
    writeFileSync(at('file'), 'x');
    mkdirSync(at('folder', 'in'), { recursive: true });
    mkdirSync(at('fixed'));
    chmodSync(top, 0o755);
    chmodSync(at('file'), 0o000);
    chmodSync(at('fixed'), 0o555);
    chmodSync(at('folder'), 0o000);
    await asNobody(async () => {
      for (const work of [
        () => read(at('file')),
        () => list(at('folder')),
        () => read(at('folder', 'in', 'file')),
        () => write(at('fixed', 'file'), 'x'),
        () => write(at('fixed', 'new', 'file'), 'x'),
      ]) {
        await expect(work()).rejects.toEqual(failing('STORAGE_DENIED'));
      }
    });
    chmodSync(at('folder'), 0o755);
  });
});

describe(
  'a folder that another process swaps for a link, over and over',
  { timeout: 60_000 },
  () => {
    const ENOUGH = 10;
    const MOST_ROUNDS = 20_000;

    /** Until both the folder and the link were met often enough. */
    const meet = async (work: () => Promise<string>): Promise<ReadonlyMap<string, number>> => {
      const counts = new Map<string, number>();
      const met = (text: string): boolean => (counts.get(text) ?? 0) >= ENOUGH;
      for (
        let round = 0;
        round < MOST_ROUNDS && !(met('inside') && met('STORAGE_REFUSED'));
        round += 1
      ) {
        const text = await work().catch((error: unknown) => (error as { code: string }).code);
        counts.set(text, (counts.get(text) ?? 0) + 1);
      }
      return counts;
    };

    const createSwapped = async () => {
      const places = createPlaces();
      const { at, outside } = places;
      mkdirSync(at('folder'));
      writeFileSync(at('folder', 'file'), 'inside');
      writeFileSync(join(outside, 'file'), 'outside');
      const stop = await startSwapper(at('folder'), outside);
      onTestFinished(stop);
      return { ...places, stop };
    };
    /** What may be seen: the folder, the link, and nothing in between or a link that was one a moment ago. */
    const HARMLESS = ['STORAGE_MISSING', 'STORAGE_REFUSED', 'STORAGE_UNAVAILABLE', 'inside'];

    it('never shows a byte from outside', async () => {
      const { at, read, list, top } = await createSwapped();
      const readings = await meet(() => read(at('folder', 'file')));
      expect(HARMLESS).toEqual(expect.arrayContaining([...readings.keys()]));
      expect(readings.get('inside')).toBeGreaterThanOrEqual(ENOUGH);
      expect(readings.get('STORAGE_REFUSED')).toBeGreaterThanOrEqual(ENOUGH);
      const lists = await meet(async () =>
        (await list(at('folder'))).includes('secret') ? 'outside' : 'inside',
      );
      expect(HARMLESS).toEqual(expect.arrayContaining([...lists.keys()]));
      await until(() => openFilesBelow(top) === 0);
    });

    it('never brings a byte outside', async () => {
      const { at, outside, top, write, stop } = await createSwapped();
      const writings = await meet(async () => {
        await write(at('folder', 'new'), 'written');
        return 'inside';
      });
      await stop();
      expect(HARMLESS).toEqual(expect.arrayContaining([...writings.keys()]));
      expect(writings.get('inside')).toBeGreaterThanOrEqual(ENOUGH);
      expect(writings.get('STORAGE_REFUSED')).toBeGreaterThanOrEqual(ENOUGH);
      expect(readdirSync(outside).sort()).toEqual(['file', 'secret']);
      expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('outside');
      await until(() => openFilesBelow(top) === 0);
    });
  },
);
