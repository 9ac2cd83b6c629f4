/** What every ObjectStorage must do, run against real servers and folders. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MagnetarError, type ErrorCode } from '../../src/kernel/errors.ts';
import type {
  ObjectStorage,
  StoredEntry,
  StoredFile,
} from '../../src/tasks/ports/object-storage.ts';
import { until } from '../support/until.ts';

/** Names from a folder of the server down, as they are meant: not encoded. */
export type Names = readonly string[];

export interface StorageUnderTest {
  /** May use the place of all files: the address of the server, the folder. */
  readonly storage: ObjectStorage;
  /** The same without leave for it. */
  readonly strict: ObjectStorage;
  /** Where `storage` finds a file; without names the folder of all, with a slash at the end. */
  url(names: Names): string;
  /** Puts bytes there past the adapter, folders above them included. */
  put(names: Names, bytes: Uint8Array): Promise<void>;
  /** As `put`, for an empty folder; absent = the scheme has none. */
  putFolder?(names: Names): Promise<void>;
  /** What lies there, past the adapter; undefined = nothing. */
  get(names: Names): Promise<Buffer | undefined>;
  /** Names of all files below a folder, past the adapter, unfinished ones as well. */
  files(folder: Names): Promise<readonly string[]>;
  /** How much is open for calls under way: sockets of this process, or files. */
  openCount(): number;
  /** Texts that no error may contain. */
  readonly secrets: readonly string[];
}

/** A storage behind a server, which can fail in ways that a file system cannot. */
export interface ServerUnderTest extends StorageUnderTest {
  /** As `storage`, with credentials that the server does not take. */
  readonly wrongCredentials: ObjectStorage;
  /** URL of a port where nobody listens. */
  readonly nobody: string;
  /** URL of a server that takes connections and says nothing. */
  readonly silent: string;
  /** URL of a file whose body breaks off before the end that was announced. */
  readonly short: string;
  /** URL of a file that turns out longer than announced; absent = the scheme frames bodies. */
  readonly long?: string;
}

interface AnyContract<Under extends StorageUnderTest> {
  readonly name: string;
  /** Names of files and folders that the scheme can carry beyond those that all can. */
  readonly oddNames: readonly string[];
  /** What `stat` can tell. */
  readonly hasVersions: boolean;
  /** `makeFolder` makes something that `stat` and `list` show. */
  readonly makesFolders: boolean;
  setup(): Promise<Under>;
  teardown(): Promise<void>;
}

/** Where files come from decides what else is asked: credentials, silence and bodies of a wrong length take a server. */
export type StorageContract =
  | ({ readonly from: 'server' } & AnyContract<ServerUnderTest>)
  | ({ readonly from: 'file system' } & AnyContract<StorageUnderTest>);

/** `/` and NUL apart, which no name holds. */
const ODD_NAMES = [
  ...['two words', ' at both ends ', '100%', '%41', 'a#b', 'a?b=c', 'a&b;c', 'a+b', 'ä é 日本 🦆'],
  ...["it's", 'a"b', 'a<b>', 'a:b', 'a\\b', '-a', 'a=b,c@d!$*()[]{}|^`~'],
];

const MIB = 1024 * 1024;
const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

const collect = async (body: Readable): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
};

/** Sockets that keep this process alive; kept-alive idle ones do not. */
export const busySockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS)(?!Server)/.test(name)).length;

/** Endless, made only as fast as it is read; `onRead` hears how much has been. */
const endless = (onRead: (bytes: number) => void): Readable => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let made = 0;
  return new Readable({
    read() {
      made += piece.length;
      this.push(piece);
      onRead(made);
    },
  });
};

/** Left out of the lists of some servers. */
export const HIDDEN_NAMES: readonly string[] = ['.hidden', '..a'];

type Call = (storage: ObjectStorage, url: string, signal: AbortSignal) => Promise<unknown>;

const listAll = async (storage: ObjectStorage, url: string, signal: AbortSignal) => {
  const entries: StoredEntry[] = [];
  for await (const entry of storage.list(url, { signal })) entries.push(entry);
  return entries;
};

/** Each call of the port that goes to the server. */
const CALLS: Readonly<Record<string, Call>> = {
  stat: (storage, url, signal) => storage.stat(url, { signal }),
  read: async (storage, url, signal) => collect((await storage.read(url, { signal })).body),
  list: (storage, url, signal) => listAll(storage, `${url}/`, signal),
  write: (storage, url, signal) => storage.write(url, Readable.from([text('new')]), { signal }),
};
const CALL_NAMES = Object.keys(CALLS);

export const objectStorageContract = (contract: StorageContract): void => {
  describe(`object storage: ${contract.name}`, () => {
    let under: StorageUnderTest;
    let server: ServerUnderTest;
    let storage: ObjectStorage;
    beforeAll(async () => {
      if (contract.from === 'server') under = server = await contract.setup();
      else under = await contract.setup();
      storage = under.storage;
    });
    afterAll(async () => {
      await contract.teardown();
    });

    let last = 0;
    /** A folder of its own for each test. */
    const fresh = (): string => `t${String((last += 1))}`;
    const folderUrl = (...names: Names): string => `${under.url(names)}/`;
    const read = async (url: string, options: { start?: number; version?: string } = {}) => {
      const answer = await storage.read(url, { ...never(), ...options });
      return { ...answer, bytes: await collect(answer.body) };
    };
    const write = (names: Names, bytes: Uint8Array, size?: number): Promise<number> =>
      storage.write(under.url(names), Readable.from([bytes]), {
        ...never(),
        ...(size === undefined ? {} : { size }),
      });
    const statFile = async (names: Names): Promise<StoredFile> => {
      const stored = await storage.stat(under.url(names), never());
      if (stored.kind !== 'file') throw new Error('this is no file');
      return stored;
    };
    const list = (url: string): Promise<readonly StoredEntry[]> =>
      listAll(storage, url, never().signal);

    /** The error of a call, after a look for secrets in every corner of it. */
    const failureOf = async (work: Promise<unknown>): Promise<unknown> => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const shown = inspect(error, { depth: 10, showHidden: true });
      for (const secret of under.secrets) expect(shown).not.toContain(secret);
      return error;
    };
    const expectCode = async (work: Promise<unknown>, code: ErrorCode): Promise<MagnetarError> => {
      const error = await failureOf(work);
      expect(error, inspect(error)).toBeInstanceOf(MagnetarError);
      const known = error as MagnetarError;
      expect(known.code, known.message).toBe(code);
      return known;
    };

    describe('read', () => {
      it.each([0, 1, 70_000, 5 * MIB + 3])('brings all of %i bytes', async (size) => {
        const names = [fresh(), 'blob'];
        const bytes = randomBytes(size);
        await under.put(names, bytes);
        const answer = await read(under.url(names));
        expect(answer.start).toBe(0);
        if (answer.size !== undefined) expect(answer.size).toBe(size);
        expect(sha256(answer.bytes)).toBe(sha256(bytes));
      });

      it('goes on from an offset', async () => {
        const names = [fresh(), 'blob'];
        const bytes = randomBytes(200_000);
        await under.put(names, bytes);
        const { version } = await statFile(names);
        const versions = version === undefined ? {} : { version };
        const answer = await read(under.url(names), { start: 123_456, ...versions });
        expect(answer.start).toBe(123_456);
        expect(answer.size ?? 200_000).toBe(200_000);
        expect(answer.bytes.equals(bytes.subarray(123_456))).toBe(true);
      });

      it('answers no bytes from the very end on', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, text('12345'));
        const { version } = await statFile(names);
        const answer = await read(under.url(names), {
          start: 5,
          ...(version === undefined ? {} : { version }),
        });
        expect(answer.bytes.toString()).toBe('12345'.slice(answer.start));
      });

      it('begins anew when the bytes before the offset are of another version', async () => {
        if (!contract.hasVersions) return;
        const names = [fresh(), 'blob'];
        await under.put(names, text('the first version'));
        const { version } = await statFile(names);
        expect(version).toBeTypeOf('string');
        await under.put(names, text('another version, and a longer one'));
        const answer = await read(under.url(names), { start: 4, version: version! });
        expect(answer.start).toBe(0);
        expect(answer.bytes.toString()).toBe('another version, and a longer one');
        expect(answer.version).not.toBe(version);
      });

      it('is STORAGE_MISSING where nothing lies', async () => {
        const error = await expectCode(read(under.url([fresh(), 'none'])), 'STORAGE_MISSING');
        expect(error.row.retryable).toBe(false);
      });

      it('keeps pace with its reader', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, randomBytes(8 * MIB));
        const { body } = await storage.read(under.url(names), never());
        const first: unknown = await body[Symbol.asyncIterator]().next();
        expect(first).toMatchObject({ done: false });
        expect(body.readableLength).toBeLessThan(2 * MIB);
        body.destroy();
      });
    });

    describe('stat', () => {
      it('tells a file, with its size', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, text('12345'));
        const stored = await statFile(names);
        expect(stored.size).toBe(5);
        expect(stored.version !== undefined).toBe(contract.hasVersions);
        expect(await statFile(names)).toEqual(stored);
      });

      it('tells an empty file', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, text(''));
        expect((await statFile(names)).size).toBe(0);
      });

      it('tells a folder, with and without a slash', async () => {
        const folder = fresh();
        await under.put([folder, 'inner', 'blob'], text('x'));
        const wanted = { kind: 'folder' };
        expect(await storage.stat(folderUrl(folder, 'inner'), never())).toEqual(wanted);
        expect(await storage.stat(under.url([folder, 'inner']), never())).toEqual(wanted);
      });

      it('is STORAGE_MISSING where nothing lies', async () => {
        const folder = fresh();
        await under.put([folder, 'blob'], text('x'));
        for (const url of [under.url([folder, 'blo']), folderUrl(folder, 'none')]) {
          await expectCode(storage.stat(url, never()), 'STORAGE_MISSING');
        }
      });
    });

    describe('list', () => {
      const shown = (entries: readonly StoredEntry[]): readonly string[] =>
        entries.map(({ kind, path }) => path.join('/') + (kind === 'folder' ? '/' : '')).sort();

      it('shows a tree: folders before what is in them, each file where read finds it', async () => {
        const folder = fresh();
        const files = ['a', 'b/c', 'b/d/e', 'b/d/f/g', 'h/i'];
        for (const file of files) await under.put([folder, ...file.split('/')], text(file));
        const entries = await list(folderUrl(folder));
        expect(shown(entries)).toEqual([...files, 'b/', 'b/d/', 'b/d/f/', 'h/'].sort());
        const seen = new Set(['']);
        for (const { kind, path, url, size } of entries) {
          expect(seen).toContain(path.slice(0, -1).join('/'));
          if (kind === 'folder') seen.add(path.join('/'));
          else {
            expect((await read(url)).bytes.toString()).toBe(path.join('/'));
            expect(size ?? path.join('/').length).toBe(path.join('/').length);
          }
        }
      });

      it('shows empty folders', async () => {
        if (under.putFolder === undefined) return;
        const folder = fresh();
        await under.putFolder([folder, 'empty', 'inner']);
        expect(shown(await list(folderUrl(folder)))).toEqual(['empty/', 'empty/inner/']);
        expect(await list(folderUrl(folder, 'empty', 'inner'))).toEqual([]);
      });

      it('shows only what lies below the folder, not names that begin like it', async () => {
        const folder = fresh();
        await under.put([folder, 'one', 'in'], text('x'));
        await under.put([folder, 'one-more', 'out'], text('x'));
        await under.put([folder, 'one.txt'], text('x'));
        expect(shown(await list(folderUrl(folder, 'one')))).toEqual(['in']);
      });

      it('does without the slash at the end', async () => {
        const folder = fresh();
        await under.put([folder, 'inner', 'blob'], text('x'));
        expect(shown(await list(under.url([folder])))).toEqual(['inner/', 'inner/blob']);
      });

      it('shows 1,500 files, each once', async () => {
        const folder = fresh();
        const names = Array.from({ length: 1500 }, (_, n) => `f${String(n)}`);
        for (const name of names) await under.put([folder, name], text(name));
        expect(shown(await list(folderUrl(folder)))).toEqual([...names].sort());
      });

      it('can be left half-way', async () => {
        const folder = fresh();
        for (const name of ['a', 'b', 'c']) await under.put([folder, name, 'x'], text(name));
        const before = under.openCount();
        for await (const entry of storage.list(folderUrl(folder), never())) {
          expect(entry.path.length).toBeGreaterThan(0);
          break;
        }
        await until(() => under.openCount() <= before, { what: 'end of the call' });
      });

      it('is STORAGE_MISSING where nothing lies', async () => {
        await expectCode(list(folderUrl(fresh(), 'none')), 'STORAGE_MISSING');
      });
    });

    describe.each([...ODD_NAMES, ...contract.oddNames])('the name %j', (name) => {
      it('is read, listed and written as it is', async () => {
        const folder = fresh();
        await under.put([folder, name, name], text('old'));
        expect((await read(under.url([folder, name, name]))).bytes.toString()).toBe('old');
        expect((await statFile([folder, name, name])).size).toBe(3);
        const entries = await list(folderUrl(folder));
        expect(entries.map(({ path }) => path)).toEqual([[name], [name, name]]);
        expect((await read(entries[1]!.url)).bytes.toString()).toBe('old');
        await write([folder, name, name], text('new bytes'));
        expect((await under.get([folder, name, name]))?.toString()).toBe('new bytes');
        expect(await under.files([folder])).toHaveLength(1);
      });
    });

    describe('write', () => {
      it.each([0, 1, 70_000, 20 * MIB + 3])('stores %i bytes', async (size) => {
        const names = [fresh(), 'blob'];
        const bytes = randomBytes(size);
        expect(await write(names, bytes, size)).toBe(size);
        expect(sha256((await under.get(names))!)).toBe(sha256(bytes));
      });

      it('stores bytes whose number nobody has told', async () => {
        const names = [fresh(), 'blob'];
        const bytes = randomBytes(11 * MIB);
        expect(await write(names, bytes)).toBe(bytes.length);
        expect(sha256((await under.get(names))!)).toBe(sha256(bytes));
      });

      it('makes the folders above', async () => {
        const names = [fresh(), 'a', 'b', 'c', 'blob'];
        await write(names, text('deep'));
        expect((await under.get(names))?.toString()).toBe('deep');
      });

      it('stores into the same new folder from several sides at once', async () => {
        const folder = fresh();
        const names = ['a', 'b', 'c', 'd', 'e', 'f'];
        await Promise.all(names.map((name) => write([folder, 'x', 'y', name], text(name))));
        expect([...(await under.files([folder]))].sort()).toEqual(names);
      });

      it('replaces what was there', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, text('the old and longer text'));
        await write(names, text('new'), 3);
        expect((await under.get(names))?.toString()).toBe('new');
        expect(await under.files([names[0]!])).toHaveLength(1);
      });

      const broken = (bytes: number): Readable =>
        Readable.from(
          (async function* pieces() {
            yield await Promise.resolve(randomBytes(bytes));
            throw new MagnetarError('JOB_OVER', 'the source is gone');
          })(),
        );

      it.each([10, 9 * MIB])(
        'leaves nothing behind when its source breaks off after %i bytes',
        async (size) => {
          const folder = fresh();
          await under.put([folder, 'old'], text('old'));
          for (const name of ['old', 'new']) {
            const body = broken(size);
            await expectCode(storage.write(under.url([folder, name]), body, never()), 'JOB_OVER');
          }
          expect((await under.get([folder, 'old']))?.toString()).toBe('old');
          await until(async () => (await under.files([folder])).length === 1, {
            what: 'removal of what was written',
          });
        },
      );

      it.each([
        ['fewer', 7],
        ['more', 3],
      ])('stores nothing when %s bytes come than were announced', async (_, size) => {
        const folder = fresh();
        await under.put([folder, 'old'], text('old'));
        for (const name of ['old', 'new']) {
          await expectCode(write([folder, name], text('12345'), size), 'STORAGE_FAILED');
        }
        expect((await under.get([folder, 'old']))?.toString()).toBe('old');
        await until(async () => (await under.files([folder])).length === 1, {
          what: 'removal of what was written',
        });
      });

      it('ends at once when it is called off, and leaves nothing behind', async () => {
        const folder = fresh();
        await under.put([folder, 'old'], text('old'));
        const before = under.openCount();
        const reason = new MagnetarError('STOPPING', 'enough');
        const off = new AbortController();
        const body = endless((bytes) => {
          if (bytes > 8 * MIB) off.abort(reason);
        });
        const work = storage.write(under.url([folder, 'old']), body, { signal: off.signal });
        expect(await failureOf(work)).toBe(reason);
        expect(body.destroyed).toBe(true);
        await until(() => under.openCount() <= before, { what: 'end of the call' });
        expect((await under.get([folder, 'old']))?.toString()).toBe('old');
        await until(async () => (await under.files([folder])).length === 1, {
          what: 'removal of what was written',
        });
      });
    });

    describe('makeFolder', () => {
      it('makes an empty folder, parents included, and keeps one that is there', async () => {
        const folder = fresh();
        const url = folderUrl(folder, 'a', 'b');
        await storage.makeFolder(url, never());
        await storage.makeFolder(url, never());
        if (!contract.makesFolders) return;
        expect(await storage.stat(url, never())).toEqual({ kind: 'folder' });
        expect((await list(folderUrl(folder))).map(({ path }) => path)).toEqual([
          ['a'],
          ['a', 'b'],
        ]);
      });
    });

    describe('a call that is not allowed, or called off', () => {
      it.each(CALL_NAMES)('%s at a place that is not allowed is STORAGE_REFUSED', async (name) => {
        const names = [fresh(), 'blob'];
        await under.put(names, text('x'));
        const work = CALLS[name]!(under.strict, under.url(names), never().signal);
        await expectCode(work, 'STORAGE_REFUSED');
        expect((await under.get(names))?.toString()).toBe('x');
      });

      it.each(CALL_NAMES)('%s does not begin when it was called off before', async (name) => {
        const reason = new MagnetarError('STOPPING', 'enough');
        const names = [fresh(), 'blob'];
        const work = CALLS[name]!(storage, under.url(names), AbortSignal.abort(reason));
        expect(await failureOf(work)).toBe(reason);
        expect(await under.get(names)).toBeUndefined();
      });

      it('lets go of a read that is called off in its middle', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, randomBytes(8 * MIB));
        const before = under.openCount();
        const reason = new MagnetarError('STOPPING', 'enough');
        const off = new AbortController();
        const { body } = await storage.read(under.url(names), { signal: off.signal });
        const drained = (async () => {
          for await (const piece of body) if (piece !== undefined) off.abort(reason);
        })();
        expect(await failureOf(drained)).toBe(reason);
        await until(() => under.openCount() <= before, { what: 'end of the call' });
      });

      it('lets go of a read whose reader leaves', async () => {
        const names = [fresh(), 'blob'];
        await under.put(names, randomBytes(8 * MIB));
        const before = under.openCount();
        const { body } = await storage.read(under.url(names), never());
        body.destroy();
        await until(() => under.openCount() <= before, { what: 'end of the call' });
      });
    });

    if (contract.from === 'server') {
      describe('a server that does not cooperate', () => {
        it.each(CALL_NAMES)('%s with wrong credentials is STORAGE_DENIED', async (name) => {
          const names = [fresh(), 'blob'];
          await under.put(names, text('x'));
          const work = CALLS[name]!(server.wrongCredentials, under.url(names), never().signal);
          await expectCode(work, 'STORAGE_DENIED');
        });

        it.each(CALL_NAMES)('%s where nobody listens is STORAGE_UNAVAILABLE', async (name) => {
          const work = CALLS[name]!(storage, server.nobody, never().signal);
          const error = await expectCode(work, 'STORAGE_UNAVAILABLE');
          expect(error.row.retryable).toBe(true);
        });

        it.each(CALL_NAMES)('%s of a server that says nothing can be called off', async (name) => {
          const before = under.openCount();
          const reason = new MagnetarError('STOPPING', 'enough');
          const off = new AbortController();
          const work = failureOf(CALLS[name]!(storage, server.silent, off.signal));
          await until(() => under.openCount() > before, { what: 'connection' });
          off.abort(reason);
          expect(await work).toBe(reason);
          await until(() => under.openCount() <= before, { what: 'end of the call' });
        });

        it('fails to be read when fewer bytes come than were announced', async () => {
          await expectCode(read(server.short), 'STORAGE_UNAVAILABLE');
        });

        it('fails to be read when more bytes come than were announced', async () => {
          if (server.long === undefined) return;
          await expectCode(read(server.long), 'STORAGE_FAILED');
        });
      });
    }
  });
};
