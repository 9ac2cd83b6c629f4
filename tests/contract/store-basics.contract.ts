/** Contract of a task store, one call at a time: what goes in comes out, and each guard holds. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isMagnetarError } from '../../src/kernel/errors.ts';
import { claimed, endedWaiting, failed, redone, retried } from '../../src/tasks/attempts.ts';
import { NO_OWNER, parseOwnerId } from '../../src/tasks/ids.ts';
import type { Lease, NewTask, TaskStore, WriteGuard } from '../../src/tasks/ports/task-store.ts';
import { requirementsOf } from '../../src/tasks/requirements.ts';
import type { Part, PartKind, Task } from '../../src/tasks/task.ts';
import { newReport, newTask } from '../support/tasks.ts';
import { CALL, given, range, read, storeFor, type SiteOf } from './store-site.ts';

const SLOTS = { cores: 1, ram_bytes: 0 };
const NOW = 1_700_000_000_000;

const claim = async (store: TaskStore, task: Task, destination = 'd1', epoch = 1) => {
  const head = claimed(task, { destination, epoch, slots: SLOTS, now: NOW });
  expect(await store.write(task.id, { rev: task.rev }, head, CALL)).toBe('applied');
  return read(store, task.id);
};

const asStored = ({ id, v, owner, groups, spec, prio, created, head, ...task }: NewTask): Task => ({
  ...{ id, v, owner, groups, spec, prio, created, head, class: task.class, rev: 1 },
  ...(task.name === undefined ? {} : { name: task.name }),
});

const part = (task: Task['id'], kind: PartKind, index: number, text: string): Part => ({
  task,
  attempt: 1,
  kind,
  index,
  text,
});

export const storeBasics = (site: SiteOf): void => {
  const store = () => storeFor(site(), 0);

  describe('creating and reading', () => {
    const specs: readonly (readonly [string, Parameters<typeof newTask>[0]])[] = [
      ['the least there can be', {}],
      ['an owner and a priority', { owner: 'issuer|sub', prio: 10 }],
      [
        'map keys and texts that databases treat specially',
        {
          spec: {
            name: 'näme %_\\ 😀 "quoted"',
            tags: { 'a.b': 'x', $set: '$inc', '': 'empty key', 'k=v': '=', k: 'v=w' },
            executors: [
              { image: 'i', command: ['a', '', '\u0000', '$x'], env: { 'A.B': '1', $C: '2' } },
            ],
            resources: { ram_gb: 0.1, disk_gb: 1e12, backend_parameters: { 'x.y': 'z' } },
          },
        },
      ],
      ['a spec of a megabyte', { spec: { description: 'é'.repeat(500_000) } }],
    ];
    it.each(specs)('answers the task as it was given, with revision 1: %s', async (_, wish) => {
      const task = newTask({ now: NOW, ...wish });
      await store().create(task, [], CALL);
      expect(await store().get(task.id, 'all', CALL)).toEqual(asStored(task));
      expect(await store().summary(task.id, 'all', CALL)).toEqual({ id: task.id, state: 'QUEUED' });
    });

    it('answers nothing for an unknown task', async () => {
      const { id } = newTask();
      expect(await store().get(id, 'all', CALL)).toBeUndefined();
      expect(await store().summary(id, 'all', CALL)).toBeUndefined();
      expect(await store().write(id, { rev: 1 }, newTask().head, CALL)).toBe('missing');
    });

    it('shows a task to its owner and to nobody else', async () => {
      const mine = await given(store(), newTask({ owner: 'me' }));
      const free = await given(store(), newTask());
      const [me, other] = [{ owner: parseOwnerId('me') }, { owner: parseOwnerId('other') }];
      expect(await store().get(mine.id, me, CALL)).toEqual(mine);
      expect(await store().get(mine.id, other, CALL)).toBeUndefined();
      expect(await store().summary(mine.id, other, CALL)).toBeUndefined();
      expect(await store().get(mine.id, { owner: NO_OWNER }, CALL)).toBeUndefined();
      expect(await store().get(free.id, { owner: NO_OWNER }, CALL)).toEqual(free);
      expect(await store().get(free.id, me, CALL)).toBeUndefined();
    });

    it('shows a task to the groups that share it, and to no others', async () => {
      const task = await given(store(), newTask({ owner: 'me', groups: ['lab', 'team'] }));
      const as = (...groups: readonly string[]) => ({ owner: parseOwnerId('other'), groups });
      for (const scope of [as('team'), as('x', 'lab'), as('lab', 'team')]) {
        expect(await store().get(task.id, scope, CALL)).toEqual(task);
        expect((await store().summary(task.id, scope, CALL))?.id).toBe(task.id);
      }
      for (const scope of [as(), as('me'), as('la'), as('lab,team'), as('')]) {
        expect(await store().get(task.id, scope, CALL)).toBeUndefined();
        expect(await store().summary(task.id, scope, CALL)).toBeUndefined();
      }
      const mine = { owner: parseOwnerId('me'), groups: ['x'] };
      expect(await store().get(task.id, mine, CALL)).toEqual(task);
    });

    it('refuses a second task with the same id and leaves the first alone', async () => {
      const first = await given(store(), newTask({ spec: { name: 'first' } }));
      const second = { ...newTask({ spec: { name: 'second' } }), id: first.id };
      await expect(store().create(second, [], CALL)).rejects.toThrow(/already/);
      expect(await read(store(), first.id)).toEqual(first);
    });

    it('stores all others when one of many creations at once is refused', async () => {
      const taken = await given(store(), newTask());
      const tasks = [...range(5).map(() => newTask()), { ...newTask(), id: taken.id }];
      const ends = await Promise.allSettled(tasks.map((task) => store().create(task, [], CALL)));
      expect(ends.map(({ status }) => status)).toEqual([
        ...range(5).map(() => 'fulfilled'),
        'rejected',
      ]);
      for (const task of tasks.slice(0, 5)) expect(await read(store(), task.id)).toBeDefined();
    });
  });

  describe('parts', () => {
    it('answers the kinds asked for by task, attempt, kind and number', async () => {
      const [a, b] = [newTask(), newTask()];
      const contents = (task: NewTask) =>
        [11, 2, 0].map((index) => ({ ...part(task.id, 'content', index, 'c'), attempt: 0 }));
      await store().create(b, contents(b), CALL);
      await store().create(a, contents(a), CALL);
      const later = [part(a.id, 'stdout', 0, ''), part(a.id, 'stderr', 0, '\u0000é😀')];
      await store().write(a.id, { rev: 1 }, a.head, { ...CALL, parts: later });
      const found = await store().parts([b.id, a.id], ['stdout', 'content', 'stderr'], CALL);
      expect(found.map((one) => [one.task, one.attempt, one.kind, one.index])).toEqual([
        [a.id, 0, 'content', 0],
        [a.id, 0, 'content', 2],
        [a.id, 0, 'content', 11],
        [a.id, 1, 'stderr', 0],
        [a.id, 1, 'stdout', 0],
        [b.id, 0, 'content', 0],
        [b.id, 0, 'content', 2],
        [b.id, 0, 'content', 11],
      ]);
      expect(await store().parts([a.id], ['stderr'], CALL)).toEqual([later[1]]);
      expect(await store().parts([a.id], [], CALL)).toEqual([]);
      expect(await store().parts([], ['content'], CALL)).toEqual([]);
    });

    it('keeps a part of a mebibyte', async () => {
      const task = newTask();
      const text = 'é'.repeat(512 * 1024);
      await store().create(task, [part(task.id, 'content', 0, text)], CALL);
      expect((await store().parts([task.id], ['content'], CALL))[0]?.text).toBe(text);
    });

    it('keeps a secret until its task ends, and not beyond', async () => {
      const task = newTask();
      const secret = { ...part(task.id, 'secret', 0, 'hush'), attempt: 0 };
      const content = { ...part(task.id, 'content', 0, 'text'), attempt: 0 };
      await store().create(task, [secret, content], CALL);
      const claimedTask = await claim(store(), await read(store(), task.id));
      const kinds = async () =>
        (await store().parts([task.id], ['secret', 'content'], CALL)).map(({ kind }) => kind);
      expect(await kinds()).toEqual(['content', 'secret']);
      const { head } = failed(claimedTask, { reason: 'r', now: NOW, owed: 'kill' });
      expect(await store().write(task.id, { rev: 1 }, head, CALL)).toBe('conflict');
      expect(await kinds()).toEqual(['content', 'secret']);
      expect(await store().write(task.id, { rev: 2 }, head, CALL)).toBe('applied');
      expect(await kinds()).toEqual(['content']);
    });

    it('writes no part with a write that is refused', async () => {
      const task = await given(store(), newTask());
      const parts = [part(task.id, 'stdout', 0, 'late')];
      expect(await store().write(task.id, { rev: 7 }, task.head, { ...CALL, parts })).toBe(
        'conflict',
      );
      expect(await store().parts([task.id], ['stdout'], CALL)).toEqual([]);
    });
  });

  describe('guarded writes', () => {
    it('replaces the head and counts the revision up', async () => {
      const task = await given(store(), newTask());
      const head = claimed(task, { destination: 'd', epoch: 3, slots: SLOTS, now: NOW });
      expect(await store().write(task.id, { rev: 1 }, head, CALL)).toBe('applied');
      expect(await read(store(), task.id)).toEqual({ ...task, rev: 2, head });
      expect((await store().summary(task.id, 'all', CALL))?.state).toBe('INITIALIZING');
    });

    it('keeps every field of a full head', async () => {
      const task = await claim(store(), await given(store(), newTask()));
      await store().inbox(task.id, task.head.run?.job ?? raise(), { started: 5 }, CALL);
      const redoneHead = redone(await read(store(), task.id), NOW + 1);
      await store().write(task.id, { rev: 3 }, redoneHead, CALL);
      const again = await read(store(), task.id);
      expect(again.head).toEqual(redoneHead);
      const { head } = failed(again, {
        reason: 'why',
        now: NOW + 2,
        owed: 'kill',
        report: newReport('j', { host: { 'a.b': '$c' } }),
      });
      const full = { ...head, due: NOW + 9, cancel: { at: NOW, by: task.owner, reason: 'r' } };
      expect(await store().write(task.id, { rev: 4 }, full, CALL)).toBe('applied');
      expect((await read(store(), task.id)).head).toEqual(full);
    });

    it.each<readonly [string, WriteGuard, 'applied' | 'conflict']>([
      ['the revision', { rev: 2 }, 'applied'],
      ['an older revision', { rev: 1 }, 'conflict'],
      ['the epoch', { rev: 2, epoch: 4 }, 'applied'],
      ['an older epoch', { rev: 2, epoch: 3 }, 'conflict'],
      ['waiting, though it is claimed', { rev: 2, ready: true }, 'conflict'],
      ['no wish to cancel', { rev: 2, uncancelled: true }, 'applied'],
    ])('checks a claimed task for %s', async (_, guard, result) => {
      const task = await claim(store(), await given(store(), newTask()), 'd', 4);
      expect(await store().write(task.id, guard, task.head, CALL)).toBe(result);
      expect((await read(store(), task.id)).rev).toBe(result === 'applied' ? 3 : 2);
    });

    it.each<readonly [string, WriteGuard, 'applied' | 'conflict']>([
      ['waiting', { rev: 2, ready: true }, 'applied'],
      ['no wish to cancel, though there is one', { rev: 2, uncancelled: true }, 'conflict'],
      ['an epoch, though it has no attempt', { rev: 2, epoch: 1 }, 'conflict'],
    ])('checks a waiting task with a wish for %s', async (_, guard, result) => {
      const task = await given(store(), newTask());
      await store().wish(task.id, 'all', { at: NOW, by: NO_OWNER, reason: 'r' }, CALL);
      expect(await store().write(task.id, guard, task.head, CALL)).toBe(result);
    });
  });

  describe('wishes and facts', () => {
    const wish = { at: NOW, by: NO_OWNER, reason: 'asked by the client' };

    it('sets a wish once, on a task that has not ended', async () => {
      const task = await given(store(), newTask());
      expect(await store().wish(task.id, 'all', wish, CALL)).toBe('applied');
      expect(await store().wish(task.id, 'all', { ...wish, reason: 'later' }, CALL)).toBe(
        'conflict',
      );
      const wished = await read(store(), task.id);
      expect(wished).toEqual({ ...task, rev: 2, head: { ...task.head, cancel: wish } });
      const ended = endedWaiting(wished, 'CANCELED', 'r', NOW);
      await store().write(task.id, { rev: 2 }, ended, CALL);
      expect(await store().wish(task.id, 'all', wish, CALL)).toBe('conflict');
    });

    it('takes a wish from the owner only', async () => {
      const task = await given(store(), newTask({ owner: 'me' }));
      const by = (owner: string) =>
        store().wish(task.id, { owner: parseOwnerId(owner) }, wish, CALL);
      expect(await by('other')).toBe('missing');
      expect(await by('me')).toBe('applied');
      expect(await store().wish(newTask().id, 'all', wish, CALL)).toBe('missing');
    });

    it('takes a wish from a group that shares the task', async () => {
      const task = await given(store(), newTask({ owner: 'me', groups: ['lab'] }));
      const by = (...groups: readonly string[]) =>
        store().wish(task.id, { owner: parseOwnerId('other'), groups }, wish, CALL);
      expect(await by('team')).toBe('missing');
      expect(await by('team', 'lab')).toBe('applied');
    });

    it('sets each fact of the current job once', async () => {
      const task = await claim(store(), await given(store(), newTask()));
      const job = task.head.run?.job ?? raise();
      const report = newReport(job, { host: { 'a.b': '1', $x: '2' } });
      expect(await store().inbox(task.id, job, { started: 1 }, CALL)).toBe('applied');
      expect(await store().inbox(task.id, job, { started: 2 }, CALL)).toBe('conflict');
      expect(await store().inbox(task.id, job, {}, CALL)).toBe('conflict');
      expect(await store().inbox(task.id, job, { started: 3, report }, CALL)).toBe('applied');
      const { head } = await read(store(), task.id);
      expect(head.run?.inbox).toEqual({ started: 1, report });
      expect(await store().inbox(newTask().id, job, { started: 1 }, CALL)).toBe('missing');
    });
  });

  describe('what an owner uses', () => {
    const ME = parseOwnerId('me');
    const most = { queued: 10, stored: 10 };

    it('counts what waits and is stored, of this owner only', async () => {
      expect(await store().usage(ME, most, CALL)).toEqual({ queued: 0, stored: 0 });
      const tasks: Task[] = [];
      for (let n = 0; n < 4; n += 1) tasks.push(await given(store(), newTask({ owner: 'me' })));
      await given(store(), newTask({ owner: 'other', groups: ['me'] }));
      await given(store(), newTask());
      const [first, second] = tasks;
      if (first === undefined || second === undefined) return raise();
      await claim(store(), first);
      const ended = endedWaiting(second, 'CANCELED', 'r', NOW);
      await store().write(second.id, { rev: second.rev }, ended, CALL);
      expect(await store().usage(ME, most, CALL)).toEqual({ queued: 2, stored: 4 });
      const again = await claim(store(), tasks[2] ?? raise());
      const waits = { ...again.head, state: 'QUEUED', ready: true } as const;
      await store().write(again.id, { rev: again.rev }, waits, CALL);
      expect(await store().usage(ME, most, CALL)).toEqual({ queued: 2, stored: 4 });
    });

    it('counts at least to the limit', async () => {
      await Promise.all(range(5).map(() => given(store(), newTask({ owner: 'me' }))));
      const { queued, stored } = await store().usage(ME, { ...most, queued: 3, stored: 4 }, CALL);
      expect(queued).toBeGreaterThanOrEqual(3);
      expect(stored).toBeGreaterThanOrEqual(4);
    });
  });

  describe('what the scheduler asks', () => {
    it('tells what the limit of running tasks leaves an owner, and who has a place already', async () => {
      const [a, b] = [parseOwnerId('a'), parseOwnerId('b')];
      const places = (most: number) => store().places([a, b, NO_OWNER], most, CALL);
      const free = async (most: number) =>
        Object.fromEntries([...(await places(most))].map(([owner, one]) => [owner, one.free]));
      expect(await free(2)).toEqual({ a: 2, b: 2, '': 2 });
      const [waits, again, ends] = [
        await claim(store(), await given(store(), newTask({ owner: 'a' }))),
        await claim(store(), await given(store(), newTask({ owner: 'a' }))),
        await claim(store(), await given(store(), newTask({ owner: 'a' }))),
      ];
      await given(store(), newTask({ owner: 'a' }));
      await claim(store(), await given(store(), newTask({ groups: ['a'] })));
      expect(await free(2)).toEqual({ a: 0, b: 2, '': 1 });
      expect(await free(9)).toEqual({ a: 6, b: 9, '': 8 });
      const closing = { reason: 'lost', now: NOW, owed: 'nothing' } as const;
      await store().write(ends.id, { rev: ends.rev }, failed(ends, closing).head, CALL);
      for (const task of [waits, again]) {
        await store().write(task.id, { rev: task.rev }, retried(task, closing).head, CALL);
      }
      expect(await free(3)).toEqual({ a: 1, b: 3, '': 2 });
      expect((await places(3)).get(a)?.held).toEqual(new Set([waits.id, again.id]));
    });

    it('reads only some of what waits when asked to', async () => {
      const tasks = [await given(store(), newTask()), await given(store(), newTask({ prio: 1 }))];
      await given(store(), newTask({ prio: 2 }));
      const other = await given(store(), newTask({ owner: 'other' }));
      const running = await claim(store(), await given(store(), newTask()));
      const [{ class: id, owner } = raise()] = tasks;
      const among = new Set([...tasks, other, running].map((task) => task.id));
      const read = async (limit: number) =>
        (await store().candidates({ class: id, owner, limit, among }, CALL)).map((task) => task.id);
      expect(await read(9)).toEqual(tasks.map((task) => task.id).toReversed());
      expect(await read(1)).toEqual([tasks[1]?.id]);
    });

    it('groups what waits by class and owner', async () => {
      const big = { resources: { cpu_cores: 8 } };
      const waits = await given(store(), newTask({ owner: 'a' }));
      await given(store(), newTask({ owner: 'a' }));
      await given(store(), newTask({ owner: 'b', spec: big }));
      await claim(store(), await given(store(), newTask({ owner: 'c' })));
      const groups = await store().waiting(CALL);
      const seen = groups.map((one) => [one.owner, one.requirements]);
      expect(seen.sort()).toEqual([
        ['a', requirementsOf(waits.spec)],
        ['b', requirementsOf({ ...waits.spec, ...big })],
      ]);
      expect(groups.find(({ owner }) => owner === 'a')?.class).toBe(waits.class);
    });

    it('lists a task again when it waits for another attempt', async () => {
      const task = await claim(store(), await given(store(), newTask()));
      expect(await store().waiting(CALL)).toEqual([]);
      const waits = { ...task.head, ready: true };
      await store().write(task.id, { rev: task.rev }, waits, CALL);
      await store().write(task.id, { rev: task.rev + 1 }, waits, CALL);
      expect((await store().waiting(CALL)).map((one) => one.class)).toEqual([task.class]);
    });

    it('answers candidates by priority, then age', async () => {
      const prios = [0, 5, 10, 5, 0];
      const tasks: Task[] = [];
      for (const prio of prios) tasks.push(await given(store(), newTask({ prio })));
      await given(store(), newTask({ owner: 'other', prio: 10 }));
      const group = { class: tasks[0]?.class ?? raise(), owner: NO_OWNER };
      const found = await store().candidates({ ...group, limit: 4 }, CALL);
      expect(found).toEqual([2, 1, 3, 0].map((n) => tasks[n]));
    });

    it('knows the active tasks of a destination and what is owed to it, without the rest of the tasks', async () => {
      const [one, two] = [
        await claim(store(), await given(store(), newTask()), 'd1'),
        await claim(store(), await given(store(), newTask()), 'd2'),
      ];
      expect(await store().active('d1', CALL)).toEqual([one.id]);
      const { head } = failed(two, { reason: 'r', now: NOW, owed: 'kill' });
      await store().write(two.id, { rev: two.rev }, head, CALL);
      expect(await store().active('d2', CALL)).toEqual([]);
      const [kill] = head.debts;
      expect(await store().debts('d2', CALL)).toEqual([{ task: two.id, debt: kill }]);
      expect(await store().debts('d1', CALL)).toEqual([]);
      const elsewhere = { ...(kill ?? raise()), destination: 'd3' };
      const both = { ...head, debts: [...head.debts, elsewhere] };
      await store().write(two.id, { rev: two.rev + 1 }, both, CALL);
      expect(await store().debts('d2', CALL)).toEqual([{ task: two.id, debt: kill }]);
      expect(await store().debts('d3', CALL)).toEqual([{ task: two.id, debt: elsewhere }]);
      await store().write(two.id, { rev: two.rev + 2 }, { ...head, debts: [] }, CALL);
      expect(await store().debts('d2', CALL)).toEqual([]);
    });

    it('names each destination with an active attempt or a debt once', async () => {
      expect(await store().destinationsInUse(CALL)).toEqual([]);
      await given(store(), newTask());
      for (const name of ['d2', 'd2', 'd1'])
        await claim(store(), await given(store(), newTask()), name);
      const gone = await claim(store(), await given(store(), newTask()), 'gone');
      expect(await store().destinationsInUse(CALL)).toEqual(['d1', 'd2', 'gone']);
      const { head } = failed(gone, { reason: 'r', now: NOW, owed: 'kill' });
      await store().write(gone.id, { rev: gone.rev }, head, CALL);
      expect(await store().destinationsInUse(CALL)).toEqual(['d1', 'd2', 'gone']);
      await store().write(gone.id, { rev: gone.rev + 1 }, { ...head, debts: [] }, CALL);
      expect(await store().destinationsInUse(CALL)).toEqual(['d1', 'd2']);
    });

    it('stamps active tasks of a lower epoch, and those alone', async () => {
      const one = await claim(store(), await given(store(), newTask()), 'd', 1);
      await claim(store(), await given(store(), newTask()), 'd', 5);
      await claim(store(), await given(store(), newTask()), 'other', 1);
      expect(await store().stamp('d', 5, CALL)).toBe(1);
      expect(await store().stamp('d', 5, CALL)).toBe(0);
      const stamped = await read(store(), one.id);
      expect(stamped.head.run?.epoch).toBe(5);
      expect(stamped.rev).toBe(one.rev + 1);
      const wants = { rev: stamped.rev, epoch: 5 };
      expect(await store().write(one.id, wants, stamped.head, CALL)).toBe('applied');
    });

    it('lists all leases with what their destinations offer', async () => {
      const near: Lease = {
        destination: 'near',
        holder: 'p',
        epoch: 1,
        beat: 1,
        address: '',
        capacity: { name: 'near', jobs: 4, cores: 8 },
      };
      const { capacity: _none, ...claim } = { ...near, destination: 'embedded/far' };
      for (const lease of [near, claim]) await store().swapLease(undefined, lease, CALL);
      expect(await store().leases(CALL)).toEqual([claim, near]);
      const given = { ...near, holder: '', capacity: { name: 'near', jobs: 2 } };
      expect(await store().swapLease(near, given, CALL)).toBe('applied');
      expect(await store().lease('near', CALL)).toEqual(given);
      expect(await store().leases(CALL)).toEqual([claim, given]);
    });

    it('swaps a lease on holder, epoch and beat', async () => {
      const lease: Lease = {
        destination: 'd',
        holder: 'p',
        epoch: 1,
        beat: 1,
        address: 'http://a',
      };
      expect(await store().lease('d', CALL)).toBeUndefined();
      expect(await store().swapLease(lease, { ...lease, beat: 2 }, CALL)).toBe('missing');
      expect(await store().swapLease(undefined, lease, CALL)).toBe('applied');
      expect(await store().swapLease(undefined, { ...lease, holder: 'q' }, CALL)).toBe('conflict');
      expect(await store().lease('d', CALL)).toEqual(lease);
      for (const stale of [{ holder: 'q' }, { epoch: 2 }, { beat: 9 }]) {
        const from = { ...lease, ...stale };
        expect(await store().swapLease(from, { ...lease, beat: 2 }, CALL)).toBe('conflict');
      }
      expect(await store().swapLease(lease, { ...lease, beat: 2 }, CALL)).toBe('applied');
      expect((await store().lease('d', CALL))?.beat).toBe(2);
    });
  });

  describe('calling off and closing', () => {
    it('refuses a call whose signal is aborted, with the reason, and writes nothing', async () => {
      const signal = AbortSignal.abort(new Error('called off'));
      const task = newTask();
      await expect(store().create(task, [], { signal })).rejects.toThrow('called off');
      await expect(store().get(task.id, 'all', { signal })).rejects.toThrow('called off');
      expect(await store().get(task.id, 'all', CALL)).toBeUndefined();
    });

    it('leaves no listener on the signal of calls that have ended', async () => {
      const { signal } = new AbortController();
      const tasks = range(5).map(() => newTask());
      await Promise.all(tasks.map((task) => store().create(task, [], { signal })));
      await Promise.all(tasks.map(({ id }) => store().get(id, 'all', { signal })));
      await Promise.allSettled(tasks.map((task) => store().create(task, [], { signal }))); // ids that are taken
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it('answers a ping until it is closed, and closes twice without harm', async () => {
      await store().ping(CALL);
      await store().close();
      await store().close();
      const refusal: unknown = await store()
        .ping(CALL)
        .catch((error: unknown) => error);
      expect(isMagnetarError(refusal, 'STOPPING')).toBe(true);
    });

    it('stores what it was given before it closed', async () => {
      const task = newTask();
      const [end] = await Promise.allSettled([store().create(task, [], CALL), store().close()]);
      expect(end.status).toBe('fulfilled');
    });
  });
};

function raise(): never {
  throw new Error('the test expected a value');
}
