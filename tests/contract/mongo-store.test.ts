/** The contract on MongoDB with two servers sharing a database, and what only a network can do: lose answers. */
import { once } from 'node:events';
import { MongoClient, type Collection } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isMagnetarError } from '../../src/kernel/errors.ts';
import { collectionsOf, type Collections } from '../../src/store/mongo/collections.ts';
import { createChangeHub } from '../../src/store/change-hub.ts';
import { encodeTask } from '../../src/store/mongo/documents.ts';
import { createIdSource } from '../../src/kernel/ids.ts';
import { createMongoStore } from '../../src/store/mongo/mongo-store.ts';
import { taskOfKey } from '../../src/store/mongo/once.ts';
import { listRevisions, listSummaries } from '../../src/store/mongo/reads.ts';
import { sweepSecrets } from '../../src/store/mongo/secrets.ts';
import { startTail } from '../../src/store/mongo/tail.ts';
import { claimed, reported } from '../../src/tasks/attempts.ts';
import type { TaskFilter } from '../../src/tasks/filter.ts';
import { newTaskId, NO_OWNER, parseOwnerId, type TaskId } from '../../src/tasks/ids.ts';
import type { CallOptions } from '../../src/tasks/ports/call.ts';
import type { TaskChange } from '../../src/tasks/ports/changes.ts';
import type { NewTask, Scope, TaskStore } from '../../src/tasks/ports/task-store.ts';
import {
  isIndexed,
  queriesOf,
  shapeOf,
  type Index,
  type Query,
} from '../support/mongo/query-shapes.ts';
import { startMongoServer, type MongoServer } from '../support/mongo/mongo-server.ts';
import { newReport, newTask } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { storeDurability } from './store-durability.contract.ts';
import { CALL, given, range, read } from './store-site.ts';
import { taskStoreContract } from './task-store.contract.ts';

/** What the store asked for in all tests of this file, one query of each shape. */
const asked = vi.hoisted(() => new Map<string, Query>());

vi.mock(import('mongodb'), async (importOriginal) => {
  const real = await importOriginal();
  const { createWatchedClient } = await import('../support/mongo/watched-client.ts');
  const MongoClient = createWatchedClient(real.MongoClient, (command) => {
    for (const query of queriesOf(command)) asked.set(shapeOf(query), query);
  });
  return { ...real, MongoClient };
});

let running: MongoServer | undefined;

const server = (): MongoServer => {
  if (running === undefined) throw new Error('no MongoDB was started');
  return running;
};

describe('on MongoDB', () => {
  beforeAll(async () => {
    running = await startMongoServer();
  });
  afterAll(async () => {
    await running?.stop();
  });

  taskStoreContract({
    name: 'MongoDB',
    async setup() {
      const url = server().newDatabase();
      const warnings: string[] = [];
      const logger = { warn: (message: string) => warnings.push(message) };
      const opened = [await createMongoStore({ url, logger }), await createMongoStore({ url })];
      return {
        opened,
        warnings,
        async fill(tasks) {
          const client = new MongoClient(url);
          const documents = tasks.map((task) => ({
            _id: task.id,
            ...encodeTask(task, { text: JSON.stringify(task.spec), pieces: 0 }, 'w'),
            mod: new Date(0), // long ago, so that no look finds them
          }));
          await collectionsOf(client.db()).tasks.insertMany(documents);
          await client.close();
        },
        async teardown() {
          for (const { store } of opened) await store.close();
        },
      };
    },
  });

  storeDurability({
    store: 'mongo',
    make: () => Promise.resolve(server().newDatabase()),
    open: (url) => createMongoStore({ url }),
  });

  describe('secrets whose writer died after the end of their task', () => {
    it.each(['a server that runs', 'a server that starts'])('are removed by %s', async (who) => {
      const url = server().newDatabase();
      const first = await createMongoStore({ url });
      const task = await given(first.store, newTask());
      const client = new MongoClient(url);
      const { tasks, parts } = collectionsOf(client.db());
      const _id = `${task.id}/000000/secret/000000`;
      const fields = { task: task.id, attempt: 0, kind: 'secret', i: 0, text: 'hush' } as const;
      await parts.insertOne({ _id, ...fields });
      if (who === 'a server that starts') await first.store.close();
      await tasks.updateOne(
        { _id: task.id },
        { $set: { state: 'CANCELED' }, $inc: { rev: 1 }, $currentDate: { mod: true } },
      );
      const second = who === 'a server that starts' ? await createMongoStore({ url }) : first;
      await until(async () => (await parts.findOne({ _id })) === null, { what: 'the removal' });
      await client.close();
      await second.store.close();
    });
  });

  describe('secrets that nobody will hear of', () => {
    const DAY_MS = 24 * 60 * 60 * 1000;

    it('are removed by the next server that starts: of tasks that ended long ago, and of creations that broke off', async () => {
      const url = server().newDatabase();
      const first = await createMongoStore({ url });
      const [ended, live] = [newTask(), newTask()];
      for (const task of [ended, live]) await first.store.create(task, [], CALL);
      await first.store.close();
      const client = new MongoClient(url);
      const { tasks, parts } = collectionsOf(client.db());
      const [old, fresh] = [3 * DAY_MS, DAY_MS].map((age) =>
        newTaskId(createIdSource(() => Date.now() - age)),
      );
      const owners = [ended.id, live.id, old, fresh].filter((id) => id !== undefined);
      for (const task of owners) {
        for (const i of range(2)) {
          const _id = `${task}/000000/secret/00000${String(i)}`;
          await parts.insertOne({ _id, task, attempt: 0, kind: 'secret', i, text: 'hush' });
        }
      }
      // so long before the newest change that no look of a tail reaches back to it
      await tasks.updateOne({ _id: ended.id }, { $set: { state: 'CANCELED', mod: new Date(0) } });
      const second = await createMongoStore({ url });
      const left = async () => new Set((await parts.find().toArray()).map(({ task }) => task));
      await until(async () => (await left()).size < 3, { what: 'the removal' });
      expect(await left()).toEqual(new Set([live.id, fresh]));
      await second.store.close();
      await client.close();
    });

    it('are found in any number of tasks', async () => {
      const url = server().newDatabase();
      await (await createMongoStore({ url })).store.close();
      const client = new MongoClient(url);
      const collections = collectionsOf(client.db());
      const ids = createIdSource(() => Date.now() - 3 * DAY_MS);
      await collections.parts.insertMany(
        range(2500).map(() => {
          const task = newTaskId(ids);
          const _id = `${task}/000000/secret/000000`;
          return { _id, task, attempt: 0, kind: 'secret', i: 0, text: 'hush' };
        }),
      );
      await sweepSecrets(collections, Date.now());
      expect(await collections.parts.countDocuments()).toBe(0);
      await client.close();
    });
  });

  describe('a creation that broke off', () => {
    const once = { key: 'k', print: 'p', at: 1, until: 1000 };
    const part = (task: NewTask) =>
      ({ task: task.id, attempt: 0, kind: 'content', index: 0, text: 't' }) as const;

    it.each([
      ['its key was kept', false],
      ['its parts were kept', true],
    ])('is completed under its id by whoever repeats it: %s', async (_, withParts) => {
      const url = server().newDatabase();
      const [here, there] = [await createMongoStore({ url }), await createMongoStore({ url })];
      const client = new MongoClient(url);
      const [broken, repeated] = [newTask(), newTask()];
      await taskOfKey(collectionsOf(client.db()), broken.id, once);
      if (withParts) {
        const { id } = broken;
        const _id = `${id}/000000/content/000000`;
        await collectionsOf(client.db()).parts.insertOne({ ...part(broken), _id, i: 0 });
      }
      await client.close();
      const options = { ...CALL, once };
      const made = await Promise.all([
        here.store.create(repeated, [part(repeated)], options),
        there.store.create(broken, [part(broken)], options), // the first, alive after all
      ]);
      expect(made.map((one) => one !== 'other' && one.id)).toEqual([broken.id, broken.id]);
      expect(made.filter((one) => one !== 'other' && one.made)).toHaveLength(1);
      expect((await read(here.store, broken.id)).rev).toBe(1);
      expect(await here.store.parts([broken.id, repeated.id], ['content'], CALL)).toHaveLength(1);
      expect(await here.store.get(repeated.id, 'all', CALL)).toBeUndefined();
      await here.store.close();
      await there.store.close();
    });

    it('leaves a key that is removed when its time is over', async () => {
      const url = server().newDatabase();
      const { store } = await createMongoStore({ url });
      await store.create(newTask(), [], { ...CALL, once });
      const later = { key: 'l', print: 'p', at: 100_000, until: 200_000 };
      await store.create(newTask(), [], { ...CALL, once: later });
      await store.close(); // waits for what is under way
      const client = new MongoClient(url);
      const left = await collectionsOf(client.db()).idempotency.find().toArray();
      expect(left.map(({ _id }) => _id)).toEqual(['l']);
      await client.close();
    });
  });

  describe('a list', () => {
    const request = { scope: 'all', filter: { tags: [] }, limit: 9 } as const;
    const watched = async () => {
      const client = new MongoClient(server().newDatabase(), { monitorCommands: true });
      await client.connect();
      const collections = collectionsOf(client.db());
      const lists: readonly ((options: CallOptions) => Promise<unknown>)[] = [
        (options) => listRevisions(collections, request, options),
        (options) => listSummaries(collections, request, options),
      ];
      return { client, lists };
    };

    it('may take the database only so long', async () => {
      const { client, lists } = await watched();
      const limits: unknown[] = [];
      client.on('commandStarted', ({ command }) => limits.push(command['maxTimeMS']));
      for (const one of lists) await one(CALL);
      expect(limits).toEqual([15_000, 15_000]);
      await client.close();
    });

    it('stops when the caller leaves', async () => {
      const { client, lists } = await watched();
      for (const one of lists) {
        const left = new AbortController();
        const reason = new Error('left');
        const closed = once(client, 'connectionClosed');
        client.once('commandStarted', () => {
          left.abort(reason);
        });
        await expect(one({ signal: left.signal })).rejects.toBe(reason);
        await closed; // how the database learns of it
      }
      await client.close();
    });
  });

  describe('an idle store', () => {
    it('is not told of again, however long it stays so', async () => {
      const url = server().newDatabase();
      const { store } = await createMongoStore({ url });
      const task = await given(store, newTask());
      const client = new MongoClient(url);
      const hub = createChangeHub(undefined);
      const heard: TaskChange[] = [];
      hub.subscribe((change) => heard.push(change));
      let minutes = 0;
      const tail = await startTail({
        collections: collectionsOf(client.db()),
        hub,
        logger: undefined,
        monotonic: () => (minutes += 1) * 60_000, // each look asks
      });
      await until(() => minutes > 12, { what: 'looks' });
      expect(heard).toEqual([]);
      await store.write(task.id, { rev: 1 }, task.head, CALL);
      await until(() => heard.length > 0, { what: 'a change' });
      const asked = minutes;
      await until(() => minutes > asked + 12, { what: 'more looks' });
      expect(heard.map(({ rev }) => rev)).toEqual([2]);
      await tail.close();
      await client.close();
      await store.close();
    });
  });

  describe('starting', () => {
    const refusalOf = async (url: string): Promise<string> => {
      const refusal: unknown = await createMongoStore({ url }).catch((error: unknown) => error);
      if (isMagnetarError(refusal, 'STARTUP')) return refusal.message;
      throw new Error('the store was opened');
    };

    it('refuses the store of a newer program', async () => {
      const url = server().newDatabase();
      await (await createMongoStore({ url })).store.close();
      const client = new MongoClient(url);
      await client
        .db()
        .collection('meta')
        .updateMany({}, { $set: { v: 99, min: 99 } });
      await client.close();
      expect(await refusalOf(url)).toMatch(/newer version .* needs schema 99/);
    });

    it('says what to do when no server answers, without showing the password', async () => {
      const message = await refusalOf('mongodb://user:secret@127.0.0.1:9/db?connectTimeoutMS=200');
      expect(message).toMatch(/127\.0\.0\.1:9\/db does not answer: start it/);
      expect(message).not.toContain('secret');
    });

    it('refuses an address that is none', async () => {
      expect(await refusalOf('mongodb://')).toContain('cannot be used');
    });

    it('lets several servers open a new database at the same time', async () => {
      const url = server().newDatabase();
      const opened = await Promise.all(range(4).map(() => createMongoStore({ url })));
      const task = newTask();
      await opened[0]?.store.create(task, [], CALL);
      for (const { store } of opened) {
        expect((await read(store, task.id)).id).toBe(task.id);
        await store.close();
      }
    });
  });

  describe.skipIf(process.env['MAGNETAR_TEST_MONGODB_URI'] !== undefined)('lost answers', () => {
    const open = async () => createMongoStore({ url: server().newDatabase() });
    const lose = (...commands: readonly string[]) => server().proxy?.loseReplies(...commands);

    it('takes a creation for done once, though its answer was lost', async () => {
      const { store } = await open();
      const task = newTask();
      const part = { task: task.id, attempt: 0, kind: 'content', index: 0, text: 't' } as const;
      lose('update', 'update');
      await store.create(task, [part], CALL);
      expect((await read(store, task.id)).rev).toBe(1);
      await store.close();
    });

    it('takes a creation with a key for done once, whichever answer was lost', async () => {
      const { store } = await open();
      for (const commands of [['insert'], ['update'], ['insert', 'update', 'update']]) {
        const task = newTask();
        const once = { key: task.id, print: 'p', at: 1, until: 1000 };
        lose(...commands);
        const options = { ...CALL, once };
        expect(await store.create(task, [], options)).toEqual({ id: task.id, made: true });
        expect(await store.create(newTask(), [], options)).toEqual({ id: task.id, made: false });
        expect((await read(store, task.id)).rev).toBe(1);
      }
      await store.close();
    });

    it('knows its own write again, though its answer was lost', async () => {
      const { store } = await open();
      const task = await given(store, newTask());
      const slots = { cores: 1, ram_bytes: 0 };
      const head = claimed(task, { destination: 'd', epoch: 1, slots, now: 1 });
      lose('update');
      expect(await store.write(task.id, { rev: 1, ready: true }, head, CALL)).toBe('applied');
      const active = await read(store, task.id);
      expect(active.rev).toBe(2);
      const done = reported(active, newReport('j'), 2);
      lose('find', 'update', 'update');
      const guard = { rev: 2, epoch: 1, uncancelled: true } as const;
      const options = { ...CALL, parts: done.parts };
      expect(await store.write(task.id, guard, done.head, options)).toBe('applied');
      expect((await read(store, task.id)).rev).toBe(3);
      expect(await store.write(task.id, { rev: 2 }, head, CALL)).toBe('conflict');
      await store.close();
    });

    it('knows its own wish and its own lease again', async () => {
      const { store } = await open();
      const task = await given(store, newTask());
      const wish = { at: 1, by: NO_OWNER, reason: 'r' };
      lose('update');
      expect(await store.wish(task.id, 'all', wish, CALL)).toBe('applied');
      expect(await store.wish(task.id, 'all', wish, CALL)).toBe('conflict');
      const lease = { destination: 'd', holder: 'p', epoch: 1, beat: 1, address: '' };
      lose('insert');
      expect(await store.swapLease(undefined, lease, CALL)).toBe('applied');
      lose('update');
      expect(await store.swapLease(lease, { ...lease, beat: 2 }, CALL)).toBe('applied');
      expect(await store.swapLease(lease, { ...lease, beat: 2 }, CALL)).toBe('conflict');
      await store.close();
    });

    it(
      'fails with STORE_UNAVAILABLE while cut off, and goes on afterwards without missing a change',
      { timeout: 60_000 },
      async () => {
        const url = server().newDatabase();
        const [here, there] = [await createMongoStore({ url }), await createMongoStore({ url })];
        const heard: TaskChange[] = [];
        there.changes.subscribe((change) => heard.push(change));
        const task = await given(here.store, newTask());
        const restore = server().proxy?.cut();
        const failure: unknown = await here.store.ping(CALL).catch((error: unknown) => error);
        expect(isMagnetarError(failure, 'STORE_UNAVAILABLE')).toBe(true);
        restore?.();
        const wish = { at: 1, by: NO_OWNER, reason: 'r' };
        await until(
          () =>
            here.store.wish(task.id, 'all', wish, CALL).then(
              () => true,
              () => false,
            ),
          { timeoutMs: 30_000, what: 'the store' },
        );
        await until(() => heard.some(({ id, rev }) => id === task.id && rev === 2), {
          timeoutMs: 30_000,
          what: 'the change',
        });
        await here.store.close();
        await there.store.close();
      },
    );
  });

  // behind everything that asks the store for something
  describe('the indexes', () => {
    const FILTERS: readonly TaskFilter[] = [
      { tags: [] },
      { tags: [{ key: 'k' }] },
      { tags: [{ key: 'k', value: 'v' }, { key: 'l' }] },
      { tags: [], name_prefix: 'name' },
      { tags: [], name_prefix: 'names' },
      { tags: [{ key: 'k' }], name_prefix: 'names' },
    ];
    const me = parseOwnerId('me');
    const SCOPES: readonly Scope[] = ['all', { owner: NO_OWNER }, { owner: me, groups: ['lab'] }];

    /** Every combination of scope, conditions and position. */
    const askForLists = async (store: TaskStore, before: TaskId): Promise<void> => {
      const filters = FILTERS.flatMap((one) => [one, { ...one, state: 'QUEUED' } as const]);
      for (const scope of SCOPES) {
        for (const filter of filters) {
          await store.listSummaries({ scope, filter, limit: 5 }, CALL);
          await store.listRevisions({ scope, filter, limit: 5, before }, CALL);
        }
      }
    };

    const declaredIn = async (collections: Collections): Promise<Map<string, readonly Index[]>> => {
      const declared = new Map<string, readonly Index[]>();
      for (const [name, collection] of Object.entries(collections)) {
        const found = (collection as Collection).indexes();
        declared.set(name, await found.catch(() => [])); // not there before its first document
      }
      return declared;
    };

    /** One document for each destination: all of them are what is asked for. */
    const isWhole = ({ collection, filter }: Query): boolean =>
      collection === 'leases' && Object.keys(filter).length === 0;

    it('find what each query of this file asks for, and yield it in order', async () => {
      const url = server().newDatabase();
      const { store } = await createMongoStore({ url });
      const { id } = await given(store, newTask({ owner: 'me' }));
      await askForLists(store, id);
      await store.usage(me, { queued: 5, stored: 5 }, CALL);
      await store.close();
      const client = new MongoClient(url);
      const collections = collectionsOf(client.db());
      const declared = await declaredIn(collections);
      await client.close();
      const queries = [...asked.values()].filter((query) => !isWhole(query));
      expect(queries.filter((one) => !isIndexed(one, declared.get(one.collection) ?? []))).toEqual(
        [],
      );
      const names = new Set(queries.map(({ collection }) => collection));
      expect([...names].sort(), 'the tests before this one have to run').toEqual(
        Object.keys(collections).sort(),
      );
    });
  });
});
