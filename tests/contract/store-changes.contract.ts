/** Contract of `Changes`: every write of any process arrives at every listener. */
import { describe, expect, it } from 'vitest';
import { parseOwnerId } from '../../src/tasks/ids.ts';
import type { TaskChange } from '../../src/tasks/ports/changes.ts';
import { newTask } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { CALL, given, range, read, storeFor, type SiteOf } from './store-site.ts';

export const storeChanges = (site: SiteOf): void => {
  const listenTo = (process: number) => {
    const heard: TaskChange[] = [];
    const opened = site().opened[process % site().opened.length];
    const end = opened?.changes.subscribe((change) => heard.push(change));
    return { heard, end: () => end?.() };
  };

  describe('changes', () => {
    it('tells of a creation, a write and a wish, to listeners of every process', async () => {
      const listeners = range(site().opened.length).map(listenTo);
      const store = storeFor(site(), 0);
      const task = await given(store, newTask({ owner: 'me' }));
      for (const { heard } of listeners)
        await until(() => heard.length === 1, { what: 'creation' });
      const running = { ...task.head, state: 'RUNNING', ready: false } as const;
      await store.write(task.id, { rev: 1 }, running, CALL);
      for (const { heard } of listeners) await until(() => heard.length === 2, { what: 'write' });
      await store.wish(task.id, 'all', { at: 1, by: task.owner, reason: 'r' }, CALL);
      for (const { heard } of listeners) await until(() => heard.length === 3, { what: 'wish' });
      const common = { id: task.id, owner: parseOwnerId('me') };
      for (const { heard } of listeners) {
        expect(heard).toEqual([
          { ...common, state: 'QUEUED', rev: 1 },
          { ...common, state: 'RUNNING', rev: 2 },
          { ...common, state: 'RUNNING', rev: 3 },
        ]);
      }
    });

    it('is silent about writes that were refused', async () => {
      const store = storeFor(site(), 0);
      const { heard } = listenTo(0);
      const task = await given(store, newTask());
      await store.write(task.id, { rev: 9 }, task.head, CALL);
      const later = await given(store, newTask());
      await until(() => heard.some(({ id }) => id === later.id), { what: 'the later creation' });
      expect(heard.map(({ id, rev }) => ({ id, rev }))).toEqual([
        { id: task.id, rev: 1 },
        { id: later.id, rev: 1 },
      ]);
    });

    it('goes on when a listener fails, logs it, and forgets a listener that ended', async () => {
      const changes = site().opened[0]?.changes;
      const store = storeFor(site(), 0);
      const bad = changes?.subscribe(() => {
        throw new Error('listener at fault');
      });
      const ended = listenTo(0);
      ended.end();
      const good = listenTo(0);
      await given(store, newTask());
      await until(() => good.heard.length === 1, { what: 'the good listener' });
      bad?.();
      await given(store, newTask());
      await until(() => good.heard.length === 2, { what: 'the good listener again' });
      expect(ended.heard).toEqual([]);
      expect(site().warnings).toEqual(['a listener of changes failed']);
    });

    it(
      'misses no last state when many processes write at the same time',
      { timeout: 60_000 },
      async () => {
        const listeners = range(site().opened.length).map(listenTo);
        const ids = await Promise.all(
          range(16).map(async (n) => (await given(storeFor(site(), n), newTask())).id),
        );
        const write = async (n: number): Promise<void> => {
          const id = ids[n % ids.length] ?? ids[0];
          if (id === undefined) return;
          const { rev, head } = await read(storeFor(site(), n), id);
          await storeFor(site(), n).write(id, { rev }, { ...head, due: n }, CALL);
        };
        await Promise.all(range(64).map(write));
        for (const id of ids) {
          const { rev } = await read(storeFor(site(), 0), id);
          for (const { heard } of listeners) {
            await until(() => heard.some((one) => one.id === id && one.rev === rev), {
              what: `revision ${String(rev)} of ${id}`,
            });
            const revs = heard.filter((one) => one.id === id).map((one) => one.rev);
            expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b));
          }
        }
      },
    );
  });
};
