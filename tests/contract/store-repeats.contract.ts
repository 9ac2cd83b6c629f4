/** Contract of repeated creations: a key stands for one task, however often and from however many processes it comes. */
import { describe, expect, it } from 'vitest';
import type { CreateResult, NewTask, Once } from '../../src/tasks/ports/task-store.ts';
import type { Part } from '../../src/tasks/task.ts';
import { newTask } from '../support/tasks.ts';
import { CALL, range, storeFor, type SiteOf } from './store-site.ts';

const NOW = 1_700_000_000_000;

export const once = (key: string, change: Partial<Once> = {}): Once => ({
  key,
  print: 'same',
  at: NOW,
  until: NOW + 1000,
  ...change,
});

const content = (task: NewTask, text: string): Part => ({
  task: task.id,
  attempt: 0,
  kind: 'content',
  index: 0,
  text,
});

export const storeRepeats = (site: SiteOf): void => {
  const create = (key: Once | undefined, caller = 0, task = newTask()): Promise<CreateResult> =>
    storeFor(site(), caller).create(task, [content(task, 'text')], {
      ...CALL,
      ...(key === undefined ? {} : { once: key }),
    });
  const idsStored = async () => {
    const request = { scope: 'all', filter: { tags: [] }, limit: 99 } as const;
    return (await storeFor(site(), 0).listSummaries(request, CALL)).items.map(({ id }) => id);
  };

  describe('repeated creations', () => {
    it('makes a task of its own for each creation without a key', async () => {
      const [one, two] = [newTask(), newTask()];
      expect(await create(undefined, 0, one)).toEqual({ id: one.id, made: true });
      expect(await create(undefined, 0, two)).toEqual({ id: two.id, made: true });
    });

    it('answers the first task to whoever comes with its key, from any process', async () => {
      const first = newTask();
      expect(await create(once('a'), 0, first)).toEqual({ id: first.id, made: true });
      for (const caller of [0, 1]) {
        expect(await create(once('a'), caller)).toEqual({ id: first.id, made: false });
      }
      const other = newTask();
      expect(await create(once('b'), 1, other)).toEqual({ id: other.id, made: true });
      expect(await idsStored()).toEqual([other.id, first.id]);
      expect(await storeFor(site(), 1).parts([first.id], ['content'], CALL)).toHaveLength(1);
    });

    it('makes parts for the id under which the task is stored', async () => {
      const [first, second] = [newTask(), newTask()];
      for (const task of [first, second]) {
        const partsFor = (id: Part['task']): readonly Part[] => [
          { task: id, attempt: 0, kind: 'secret', index: 0, text: `for ${id}` },
        ];
        const options = { ...CALL, once: once('a'), partsFor };
        await storeFor(site(), 0).create(task, [content(task, 'text')], options);
      }
      const parts = await storeFor(site(), 1).parts([first.id, second.id], ['secret'], CALL);
      expect(parts.map(({ text }) => text)).toEqual([`for ${first.id}`]);
    });

    it('refuses another print under a key, and stores nothing', async () => {
      const first = newTask();
      await create(once('a'), 0, first);
      expect(await create(once('a', { print: 'different' }), 1)).toBe('other');
      expect(await idsStored()).toEqual([first.id]);
    });

    it('tells what a key stands for, as long as it counts', async () => {
      const first = newTask();
      const ask = (key: Once) => storeFor(site(), 1).creation(key, CALL);
      expect(await ask(once('a'))).toBeUndefined();
      await create(once('a'), 0, first);
      expect(await ask(once('a'))).toBe(first.id);
      expect(await ask(once('a', { print: 'different' }))).toBe('other');
      expect(await ask(once('a', { at: NOW + 1000 }))).toBeUndefined();
    });

    it('frees a key when its time is over, and not before', async () => {
      const [first, second] = [newTask(), newTask()];
      await create(once('a'), 0, first);
      const late = { at: NOW + 999, until: NOW + 5000 };
      expect(await create(once('a', late))).toEqual({ id: first.id, made: false });
      const later = once('a', { at: NOW + 1000, until: NOW + 5000, print: 'different' });
      expect(await create(later, 1, second)).toEqual({ id: second.id, made: true });
      expect(await create(later)).toEqual({ id: second.id, made: false });
    });

    it('makes one task of many creations at the same time', async () => {
      const keys = range(4).map((n) => `key ${String(n)}`);
      const made = await Promise.all(
        range(32).map(async (n) => {
          const key = keys[n % keys.length] ?? '';
          return { key, result: await create(once(key), n) };
        }),
      );
      for (const key of keys) {
        const ids = made.flatMap(({ result, ...one }) =>
          one.key === key && result !== 'other' ? [result.id] : [],
        );
        expect(ids).toHaveLength(8);
        expect(new Set(ids).size).toBe(1);
      }
      expect(await idsStored()).toHaveLength(keys.length);
    });

    it('gives an expired key to one of many who come for it', async () => {
      await create(once('a'));
      const later = once('a', { at: NOW + 2000, until: NOW + 9000 });
      const made = await Promise.all(range(16).map((n) => create(later, n)));
      const ids = made.map((result) => (result === 'other' ? 'other' : result.id));
      expect(new Set(ids).size).toBe(1);
      expect(await idsStored()).toHaveLength(2);
    });
  });
};
