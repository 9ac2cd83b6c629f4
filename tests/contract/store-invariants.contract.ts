/** Contract of a task store under concurrency: every invariant of the design is one atomic condition. */
import { describe, expect, it } from 'vitest';
import {
  atPoint,
  cancelled,
  claimed,
  failed,
  redone,
  reported,
  retried,
} from '../../src/tasks/attempts.ts';
import { NO_OWNER } from '../../src/tasks/ids.ts';
import type { Lease, TaskStore } from '../../src/tasks/ports/task-store.ts';
import { isTerminal } from '../../src/tasks/states.ts';
import type { Task } from '../../src/tasks/task.ts';
import { newReport, newTask } from '../support/tasks.ts';
import { CALL, given, range, read, storeFor, type SiteOf } from './store-site.ts';

const NOW = 1_700_000_000_000;
const SLOTS = { cores: 1, ram_bytes: 0 };
const RACERS = 64;
const TASKS = 50;
/** Tasks that each racer tries: every task has about ten rivals. */
const TRIES = 8;

const claimHead = (task: Task, destination: string, epoch: number) =>
  claimed(task, { destination, epoch, slots: SLOTS, now: NOW });

const running = async (store: TaskStore, epoch = 1): Promise<Task> => {
  const task = await given(store, newTask());
  await store.write(task.id, { rev: 1, ready: true }, claimHead(task, 'd', epoch), CALL);
  return read(store, task.id);
};

const activeTasks = async (store: TaskStore): Promise<readonly Task[]> =>
  Promise.all((await store.active('d', CALL)).map((id) => read(store, id)));

const jobOf = (task: Task) => {
  if (task.head.run === undefined) throw new Error('the task has no attempt');
  return task.head.run.job;
};

export const storeInvariants = (site: SiteOf): void => {
  const store = (caller = 0) => storeFor(site(), caller);

  describe('one claim per task', () => {
    it(
      `lets ${String(RACERS)} racers claim ${String(TASKS)} tasks, each once`,
      { timeout: 120_000 },
      async () => {
        const tasks = await Promise.all(range(TASKS).map(() => given(store(), newTask())));
        const race = async (racer: number): Promise<readonly string[]> => {
          const won: string[] = [];
          for (const n of range(TRIES)) {
            const task = tasks[(n + racer) % tasks.length];
            if (task === undefined) continue;
            const guard = { rev: 1, ready: true, uncancelled: true } as const;
            const head = claimHead(task, `d${String(racer)}`, 1);
            const result = await store(racer).write(task.id, guard, head, CALL);
            if (result === 'applied') won.push(`${task.id} d${String(racer)}`);
          }
          return won;
        };
        const wins = (await Promise.all(range(RACERS).map(race))).flat().sort();
        const kept = await Promise.all(tasks.map(({ id }) => read(store(), id)));
        expect(wins).toEqual(
          kept.map((task) => `${task.id} ${task.head.run?.destination ?? ''}`).sort(),
        );
        expect(kept.map(({ rev }) => rev)).toEqual(range(TASKS).map(() => 2));
      },
    );

    it('lets an owner have no more running tasks than there are places, whoever claims', async () => {
      const places = 3;
      const tasks = await Promise.all(range(12).map(() => given(store(), newTask({ owner: 'a' }))));
      const free = await given(store(), newTask({ owner: 'b' }));
      const guard = { rev: 1, ready: true, uncancelled: true, places } as const;
      const claim = (task: Task, racer: number) =>
        store(racer).write(task.id, guard, claimHead(task, 'd', 1), CALL);
      const race = (racer: number) =>
        Promise.all(range(6).map((n) => claim(tasks[(n + 6 * racer) % 12] ?? free, racer)));
      const results = (await Promise.all(range(4).map(race))).flat();
      expect(results.filter((result) => result === 'applied')).toHaveLength(places);
      expect(await activeTasks(store())).toHaveLength(places);
      expect(await claim(free, 0)).toBe('applied');

      const [running] = (await activeTasks(store())).filter(({ owner }) => owner !== free.owner);
      if (running === undefined) throw new Error('nothing runs');
      const lost = { reason: 'lost', now: NOW, owed: 'nothing' } as const;
      const next = retried(running, lost).head;
      await store().write(running.id, { rev: running.rev }, next, CALL);
      const again = await read(store(), running.id); // it keeps its place between two attempts
      const waiting = (await Promise.all(tasks.map(({ id }) => read(store(), id)))).filter(
        ({ head }) => head.state === 'QUEUED',
      );
      const tries = waiting.map((task, n) => claim(task, n));
      expect(new Set(await Promise.all(tries))).toEqual(new Set(['conflict']));
      const resumed = claimHead(again, 'd', 1);
      const held = { ...guard, rev: again.rev };
      expect(await store(1).write(again.id, held, resumed, CALL)).toBe('applied');
      const last = await read(store(), again.id);
      await store().write(last.id, { rev: last.rev }, failed(last, lost).head, CALL);
      const after = await Promise.all(waiting.map((task, n) => claim(task, n)));
      expect(after.filter((result) => result === 'applied')).toHaveLength(1);
      expect(await store().write(newTask().id, guard, resumed, CALL)).toBe('missing');
    });

    it('keeps the place of a claim that broke off for its task alone', async () => {
      const [first, second] = [
        await given(store(), newTask({ owner: 'a' })),
        await given(store(), newTask({ owner: 'a' })),
      ];
      const claim = ({ id }: Task, rev: number) =>
        store().write(id, { rev, ready: true, places: 1 }, claimHead(first, 'd', 1), CALL);
      expect(await claim(first, 9)).toBe('conflict');
      const left = (await store(1).places([first.owner], 1, CALL)).get(first.owner);
      expect(left?.free === 1 || left?.held.has(first.id)).toBe(true);
      expect(await claim(first, 1)).toBe('applied');
      expect(await claim(second, 1)).toBe('conflict');
    });

    it('lets nobody claim what is to be cancelled', async () => {
      const task = await given(store(), newTask());
      const wish = { at: NOW, by: NO_OWNER, reason: 'r' };
      const ends = await Promise.all([
        store(0).wish(task.id, 'all', wish, CALL),
        store(1).write(
          task.id,
          { rev: 1, ready: true, uncancelled: true },
          claimHead(task, 'd', 1),
          CALL,
        ),
      ]);
      const kept = await read(store(), task.id);
      expect(ends[1] === 'applied').toBe(kept.head.run !== undefined);
      expect(kept.head.cancel === undefined).toBe(ends[0] !== 'applied');
      expect(ends[0]).toBe('applied'); // a claimed task can still be wished away
    });
  });

  describe('a former owner changes nothing', () => {
    it('refuses its epoch after the stamp, whatever was under way', async () => {
      const tasks = await Promise.all(range(10).map(() => running(store())));
      let stamped = false;
      const late: string[] = [];
      const formerOwner = async ({ id }: Task): Promise<void> => {
        for (const n of range(8)) {
          const task = await read(store(1), id);
          const began = stamped;
          const head = { ...atPoint(task, 'run', NOW + n), ...epochOne(task) };
          const result = await store(1).write(id, { rev: task.rev, epoch: 1 }, head, CALL);
          if (began && result === 'applied') late.push(id);
        }
      };
      const takeOver = async (): Promise<void> => {
        await store(0).stamp('d', 2, CALL);
        stamped = true;
      };
      await Promise.all([...tasks.map(formerOwner), takeOver()]);
      expect(late).toEqual([]);
      const after = await activeTasks(store(0));
      expect(after.map((task) => task.head.run?.epoch)).toEqual(range(10).map(() => 2));
    });

    it('finds a late claim of the former owner with the next stamp', async () => {
      await running(store(), 2);
      const task = await given(store(), newTask());
      expect(await store(0).stamp('d', 2, CALL)).toBe(0);
      const guard = { rev: 1, ready: true } as const;
      expect(await store(1).write(task.id, guard, claimHead(task, 'd', 1), CALL)).toBe('applied');
      expect(await store(0).stamp('d', 2, CALL)).toBe(1);
      const active = await activeTasks(store(0));
      expect(active.map(({ head }) => head.run?.epoch)).toEqual([2, 2]);
    });
  });

  describe('what an older job says is dropped', () => {
    it('refuses facts of a job that was redone', async () => {
      const task = await running(store());
      const old = jobOf(task);
      await store().write(task.id, { rev: task.rev, epoch: 1 }, redone(task, NOW), CALL);
      const report = newReport(old);
      expect(await store().inbox(task.id, old, { started: 1, report }, CALL)).toBe('conflict');
      expect((await read(store(), task.id)).head.run?.inbox).toEqual({});
    });

    it('keeps facts or redoes the job, but never mixes the two', async () => {
      const tasks = await Promise.all(range(12).map(() => running(store())));
      const ends = await Promise.all(
        tasks.flatMap((task, n) => [
          store(n).inbox(task.id, jobOf(task), { started: 1 }, CALL),
          store(n + 1).write(task.id, { rev: task.rev, epoch: 1 }, redone(task, NOW), CALL),
        ]),
      );
      for (const [n, task] of tasks.entries()) {
        const [fact, redo] = ends.slice(2 * n, 2 * n + 2);
        const kept = await read(store(), task.id);
        expect([fact, redo].filter((end) => end === 'applied')).toHaveLength(1);
        expect(kept.head.run?.inbox).toEqual(fact === 'applied' ? { started: 1 } : {});
        expect(kept.head.run?.try).toBe(redo === 'applied' ? 2 : 1);
      }
    });

    it('sets each fact once when many report it at the same time', async () => {
      const task = await running(store());
      const job = jobOf(task);
      const facts = range(24).map((n) => (n % 2 === 0 ? { started: n } : { executing: n }));
      const ends = await Promise.all(
        facts.map((fact, n) => store(n).inbox(task.id, job, fact, CALL)),
      );
      const winners = facts.filter((_, n) => ends[n] === 'applied');
      expect(winners).toHaveLength(2);
      const kept = await read(store(), task.id);
      expect(kept.head.run?.inbox).toEqual(Object.assign({}, ...winners));
      expect(kept.rev).toBe(task.rev + 2);
    });
  });

  describe('terminal once, and cancel wins', () => {
    it('lets a wish or the final write win, never both', async () => {
      const tasks = await Promise.all(range(20).map(() => running(store())));
      const wish = { at: NOW, by: NO_OWNER, reason: 'r' };
      const ends = await Promise.all(
        tasks.flatMap((task, n) => {
          const { head, parts } = reported(task, newReport(jobOf(task)), NOW);
          const guard = { rev: task.rev, epoch: 1, uncancelled: true } as const;
          const calls = [
            () => store(n).wish(task.id, 'all', wish, CALL),
            () => store(n + 1).write(task.id, guard, head, { ...CALL, parts }),
          ];
          const order = n % 2 === 0 ? calls : calls.reverse();
          return order.map((call) => call());
        }),
      );
      for (const [n, task] of tasks.entries()) {
        const pair = ends.slice(2 * n, 2 * n + 2);
        const [wished, final] = n % 2 === 0 ? pair : pair.reverse();
        const { head } = await read(store(), task.id);
        expect([wished, final].filter((end) => end === 'applied')).toHaveLength(1);
        expect(isTerminal(head.state)).toBe(final === 'applied');
        expect(head.cancel !== undefined).toBe(wished === 'applied');
      }
    });

    it('takes the last write of an owner once the wish is read', async () => {
      const task = await running(store());
      await store().wish(task.id, 'all', { at: NOW, by: NO_OWNER, reason: 'r' }, CALL);
      const wished = await read(store(), task.id);
      const { head } = cancelled(wished, { reason: 'r', now: NOW, owed: 'kill' });
      const ends = await Promise.all(
        range(8).map((n) => store(n).write(task.id, { rev: wished.rev, epoch: 1 }, head, CALL)),
      );
      expect(ends.filter((end) => end === 'applied')).toHaveLength(1);
      expect((await read(store(), task.id)).head.state).toBe('CANCELED');
    });
  });

  describe('one owner per destination', () => {
    it('lets one of many racers make, take over and renew a lease', async () => {
      const lease = (n: number, epoch: number): Lease => ({
        destination: 'd',
        holder: `p${String(n)}`,
        epoch,
        beat: 1,
        address: '',
      });
      let from: Lease | undefined;
      for (const epoch of range(5)) {
        const before = from;
        const ends = await Promise.all(
          range(RACERS).map((n) => store(n).swapLease(before, lease(n, epoch), CALL)),
        );
        expect(ends.filter((end) => end === 'applied')).toHaveLength(1);
        from = await store().lease('d', CALL);
        expect(from).toEqual(lease(ends.indexOf('applied'), epoch));
      }
    });
  });

  describe('every revision is written once', () => {
    it('loses no write when many writers read, change and try again', async () => {
      const { id } = await running(store());
      const add = async (n: number): Promise<void> => {
        for (;;) {
          const task = await read(store(n), id);
          const due = (task.head.due ?? 0) + 1;
          const guard = { rev: task.rev, epoch: 1 };
          if ((await store(n).write(id, guard, { ...task.head, due }, CALL)) === 'applied') return;
        }
      };
      await Promise.all(range(12).map(add));
      const after = await read(store(), id);
      expect(after.head.due).toBe(12);
      expect(after.rev).toBe(14);
    });
  });
};

/** The head as the former owner knows it. */
const epochOne = (task: Task) =>
  task.head.run === undefined ? {} : { run: { ...task.head.run, epoch: 1 } };
