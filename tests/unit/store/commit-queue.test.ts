/** Group commit on a real database: what shares a transaction, and what a failure costs the others. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { isMagnetarError } from '../../../src/kernel/errors.ts';
import { openBetterSqlite } from '../../../src/store/sqlite/better-sqlite-driver.ts';
import {
  createCommitQueue,
  type CommitQueue,
  type Sync,
} from '../../../src/store/sqlite/commit-queue.ts';
import type { SqliteDriver } from '../../../src/store/sqlite/driver.ts';
import { openDatabase, type OpenedDatabase } from '../../../src/store/sqlite/open.ts';
import { createTransact } from '../../../src/store/sqlite/transaction.ts';

const SIGNAL = new AbortController().signal;

let folder = '';
let opened: OpenedDatabase | undefined;
let queue: CommitQueue | undefined;
/** Every statement that was run and every sync, in order. */
let ran: string[] = [];
let syncs: Sync = () => Promise.resolve();

const recording = (driver: SqliteDriver): SqliteDriver => ({
  ...driver,
  prepare(sql) {
    const statement = driver.prepare(sql);
    return {
      ...statement,
      run(...values) {
        ran.push(sql);
        return statement.run(...values);
      },
    };
  },
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commit-queue-'));
  opened = openDatabase(join(folder, 'tasks.db'));
  opened.driver.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY)');
  const { sync } = opened;
  syncs = () => sync();
  queue = createCommitQueue(createTransact(recording(opened.driver)), () => {
    ran.push('sync');
    return syncs();
  });
  ran = [];
});
afterEach(async () => {
  opened?.close();
  await rm(folder, { recursive: true });
});

const given = (): { readonly queue: CommitQueue; readonly driver: SqliteDriver } => {
  if (queue === undefined || opened === undefined) throw new Error('no test is running');
  return { queue, driver: opened.driver };
};

const insert = (n: number, signal = SIGNAL): Promise<number> =>
  given().queue.commit(() => {
    given().driver.prepare('INSERT INTO numbers (n) VALUES (?)').run(n);
    return n;
  }, signal);

const stored = () => opened?.driver.prepare('SELECT n FROM numbers ORDER BY n').all();
const rows = (...numbers: readonly number[]) => numbers.map((n) => ({ n }));

describe('commit queue', () => {
  it('commits at once what arrives in one turn, in one transaction', async () => {
    expect(await Promise.all([1, 2, 3].map((n) => insert(n)))).toEqual([1, 2, 3]);
    expect(ran).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'sync']);
    expect(await insert(4)).toBe(4);
    expect(stored()).toEqual(rows(1, 2, 3, 4));
  });

  it('fails one bad write alone and answers all others', async () => {
    const ends = await Promise.allSettled([1, 2, 1, 3].map((n) => insert(n)));
    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    const failure: unknown = ends[2]?.status === 'rejected' ? ends[2].reason : undefined;
    expect(isMagnetarError(failure, 'STORE_UNAVAILABLE')).toBe(true);
    expect(stored()).toEqual(rows(1, 2, 3));
  });

  it('undoes what a failed write had done before it failed', async () => {
    const half = given().queue.commit(() => {
      given().driver.prepare('INSERT INTO numbers (n) VALUES (?)').run(7);
      throw new TypeError('half done');
    }, SIGNAL);
    await expect(Promise.all([half, insert(1)])).rejects.toThrow('half done');
    expect(await insert(2)).toBe(2);
    expect(stored()).toEqual(rows(1, 2));
  });

  it('drops a write that was called off before its turn', async () => {
    const caller = new AbortController();
    const late = insert(1, caller.signal);
    caller.abort(new Error('called off'));
    await expect(late).rejects.toThrow('called off');
    expect(ran).toEqual([]);
    expect(stored()).toEqual([]);
  });

  it('answers only once the disk has kept it, and commits together what arrives until then', async () => {
    const disk = createDeferred<undefined>();
    syncs = () => disk.promise;
    let answered = 0;
    const count = () => (answered += 1);
    const first = insert(1).then(count);
    await vi.waitFor(() => {
      expect(ran).toContain('sync');
    });
    const later = [insert(2), insert(3)].map((one) => one.then(count));
    await nextTurn();
    expect(answered).toBe(0);
    expect(ran).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'sync']);
    disk.resolve(undefined);
    await Promise.all([first, ...later]);
    expect(ran).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'sync', 'BEGIN IMMEDIATE', 'COMMIT', 'sync']);
    await given().queue.idle();
  });

  it('takes no write any more once the disk has failed to keep one', async () => {
    syncs = () => Promise.reject(new Error('EIO: input/output error'));
    const lost = insert(1);
    await expect(lost).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    syncs = () => Promise.resolve();
    await expect(insert(2)).rejects.toThrow(/the disk failed to keep a write/);
    expect(() => {
      given().queue.assertSound();
    }).toThrow(/restart the server/);
    expect(ran).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'sync']);
  });

  it('fails everything that shares a transaction that cannot begin, and recovers', async () => {
    opened?.driver.exec('PRAGMA busy_timeout = 0');
    const other = openBetterSqlite(join(folder, 'tasks.db'));
    other.exec('BEGIN IMMEDIATE');
    const ends = await Promise.allSettled([insert(1), insert(2)]);
    other.close();
    for (const end of ends) {
      const failure: unknown = end.status === 'rejected' ? end.reason : undefined;
      expect(isMagnetarError(failure, 'STORE_UNAVAILABLE')).toBe(true);
    }
    expect(await insert(3)).toBe(3);
    expect(stored()).toEqual(rows(3));
  });
});
