/** The contract on SQLite, on disk, and what only a file can do: locks, damage, versions, kill -9. */
import Database from 'better-sqlite3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMagnetarError } from '../../src/kernel/errors.ts';
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { NewTask } from '../../src/tasks/ports/task-store.ts';
import type { Part } from '../../src/tasks/task.ts';
import { newTask } from '../support/tasks.ts';
import { storeDurability } from './store-durability.contract.ts';
import { CALL, range } from './store-site.ts';
import { taskStoreContract } from './task-store.contract.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

taskStoreContract({
  name: 'SQLite',
  setup() {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => warnings.push(message) };
    const opened = createSqliteStore({ path: join(folder, 'tasks.db'), logger });
    return Promise.resolve({
      opened: [opened],
      warnings,
      async fill(tasks) {
        await Promise.all(tasks.map((task) => opened.store.create(task, [], CALL)));
      },
      teardown: () => opened.store.close(),
    });
  },
});

storeDurability({
  store: 'sqlite',
  make: () => Promise.resolve(join(folder, 'tasks.db')),
  open: (path) => Promise.resolve(createSqliteStore({ path })),
});

/** The message of the STARTUP error of opening `path`. */
const refusalOf = async (path: string): Promise<string> => {
  try {
    await createSqliteStore({ path }).store.close();
  } catch (error) {
    if (isMagnetarError(error, 'STARTUP')) return error.message;
    throw error;
  }
  throw new Error(`${path} was opened`);
};

const PROGRAM = fileURLToPath(new URL('./store-child.ts', import.meta.url));

describe('one process at a time', () => {
  it('refuses a second process while the first lives, and accepts it after kill -9', async () => {
    const path = join(folder, 'tasks.db');
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, 'sqlite', path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(createInterface({ input: child.stdout }), 'line');
    const message = await refusalOf(path);
    expect(message).toContain(path);
    expect(message).toMatch(/another process .* stop it/);
    child.kill('SIGKILL');
    await ended;
    await createSqliteStore({ path }).store.close();
  });

  it('refuses a second store in the same process until the first is closed', async () => {
    const path = join(folder, 'tasks.db');
    const { store } = createSqliteStore({ path });
    expect(await refusalOf(path)).toContain('another process uses');
    await store.create(newTask(), [], CALL);
    await store.close();
    await createSqliteStore({ path }).store.close();
  });

  it('lets a backup program read while it works', async () => {
    const path = join(folder, 'tasks.db');
    const { store } = createSqliteStore({ path });
    await store.create(newTask(), [], CALL);
    const reader = new Database(path, { readonly: true });
    await reader.backup(join(folder, 'copy.db'));
    reader.close();
    await store.create(newTask(), [], CALL);
    await store.close();
    const copy = createSqliteStore({ path: join(folder, 'copy.db') });
    const { items } = await copy.store.listRevisions(
      { scope: 'all', filter: { tags: [] }, limit: 9 },
      CALL,
    );
    expect(items).toHaveLength(1);
    await copy.store.close();
  });
});

describe('secrets', () => {
  it('are overwritten in the file once their task has ended', async () => {
    const path = join(folder, 'tasks.db');
    const { store } = createSqliteStore({ path });
    const [task, other] = [newTask(), newTask()];
    const text = 'hush-4711 '.repeat(2000);
    const secretOf = ({ id }: NewTask, index: number): Part => {
      return { task: id, attempt: 0, kind: 'secret', index, text };
    };
    await store.create(task, [secretOf(task, 0), secretOf(task, 1)], CALL);
    await store.create(other, [], CALL);
    const inFile = async () => {
      new Database(path).exec('PRAGMA wal_checkpoint(TRUNCATE)').close();
      return (await readFile(path)).includes('hush-4711');
    };
    expect(await inFile()).toBe(true);
    const head = { ...task.head, state: 'CANCELED', ready: false } as const;
    expect(await store.write(task.id, { rev: 1 }, head, CALL)).toBe('applied');
    expect(await inFile()).toBe(false);
    await store.close();
  });
});

describe('keys of creations', () => {
  it('are pruned by the creations that follow, two for each', async () => {
    const path = join(folder, 'tasks.db');
    const { store } = createSqliteStore({ path });
    const create = (key: string, at: number) =>
      store.create(newTask(), [], { ...CALL, once: { key, print: '', at, until: at + 10 } });
    for (const n of range(9)) await create(`old ${String(n)}`, n);
    for (const n of range(5)) await create(`new ${String(n)}`, 100);
    await store.close();
    const rows = new Database(path).prepare('SELECT key FROM idempotency ORDER BY key').all();
    expect(rows).toEqual(range(5).map((n) => ({ key: `new ${String(n)}` })));
  });
});

describe('starting', () => {
  it('makes missing folders and files, readable by this user alone', async () => {
    const path = join(folder, 'a', 'b', 'tasks.db');
    const { store } = createSqliteStore({ path });
    await store.create(newTask(), [], CALL);
    for (const name of ['tasks.db', 'tasks.db-wal', 'tasks.db.lock']) {
      expect((await stat(join(folder, 'a', 'b', name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
    await store.close();
  });

  it('brings a database of the first schema up to date', async () => {
    const path = join(folder, 'tasks.db');
    const task = newTask({ owner: 'me' });
    const first = createSqliteStore({ path });
    await first.store.create(task, [], CALL);
    await first.store.close();
    new Database(path)
      .exec(
        `DROP TABLE idempotency; DROP TABLE owned; DROP TRIGGER owned_insert;
         DROP TRIGGER owned_move; DROP TRIGGER owned_delete;
         ALTER TABLE leases DROP COLUMN capacity;
         UPDATE meta SET value = 1 WHERE key = 'schema'`,
      )
      .close();
    const second = createSqliteStore({ path });
    const once = { key: 'k', print: '', at: 0, until: 10 };
    await second.store.create(newTask(), [], { ...CALL, once });
    expect((await second.store.get(task.id, 'all', CALL))?.id).toBe(task.id);
    await second.store.create(newTask({ owner: 'me' }), [], CALL);
    const none = { queued: 0, running: 0, stored: 0 };
    expect((await second.store.usage(task.owner, none, CALL)).queued).toBe(2);
    await second.store.close();
  });

  it('keeps everything over a restart', async () => {
    const path = join(folder, 'tasks.db');
    const task = newTask({ spec: { name: 'kept' } });
    const first = createSqliteStore({ path });
    await first.store.create(task, [], CALL);
    await first.store.close();
    const second = createSqliteStore({ path });
    expect((await second.store.get(task.id, 'all', CALL))?.name).toBe('kept');
    await second.store.close();
  });

  const damaged: readonly (readonly [string, (path: string) => Promise<void>, RegExp])[] = [
    ['a file that is no database', (path) => writeFile(path, 'x'.repeat(9000)), /not a SQLite/],
    [
      'a database whose schema is overwritten',
      async (path) => {
        await createSqliteStore({ path }).store.close();
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(0xff, 100, 4096));
      },
      /is damaged: move it away and restore a backup/,
    ],
    [
      'a database of another program',
      (path) => {
        new Database(path).exec('CREATE TABLE theirs (x)').close();
        return Promise.resolve();
      },
      /another program/,
    ],
    [
      'a newer store',
      async (path) => {
        await createSqliteStore({ path }).store.close();
        new Database(path)
          .exec("UPDATE meta SET value = 99 WHERE key IN ('min', 'schema')")
          .close();
      },
      /newer version .* needs schema 99/,
    ],
    [
      'a folder',
      async (path) => {
        await mkdir(path);
      },
      /is a folder/,
    ],
  ];
  it.each(damaged)('refuses %s, naming it', async (_, prepare, expected) => {
    const path = join(folder, 'tasks.db');
    await prepare(path);
    const message = await refusalOf(path);
    expect(message).toContain(path);
    expect(message).toMatch(expected);
  });

  it('opens a newer store that still serves this program, and leaves its version alone', async () => {
    const path = join(folder, 'tasks.db');
    await createSqliteStore({ path }).store.close();
    new Database(path).exec("UPDATE meta SET value = 99 WHERE key = 'schema'").close();
    await createSqliteStore({ path }).store.close();
    const row = new Database(path).prepare("SELECT value FROM meta WHERE key = 'schema'").get();
    expect(row).toEqual({ value: 99 });
  });

  it('refuses a path below a file', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await refusalOf(join(folder, 'file', 'tasks.db'))).toMatch(/not a folder|is a file/);
  });

  it('refuses a folder that this user may not write', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed, { mode: 0o500 });
    await chmod(folder, 0o755);
    const path = join(closed, 'tasks.db');
    const text = await messageAsNobody(path);
    expect(text).toContain(path);
    expect(text).toContain('write access');
  });
});

/** Opens the store as a user who is not root, since root may write everywhere; answers what it printed. */
const messageAsNobody = async (path: string): Promise<string> => {
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, 'sqlite', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
  });
  let text = '';
  for await (const chunk of child.stderr) text += String(chunk);
  return text;
};
