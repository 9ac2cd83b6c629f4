/** Claim, renew, act; stamp, then read: what a former owner must not be able to do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTurns } from '../../../src/dispatcher/claims.ts';
import type { LeaseKeeper } from '../../../src/dispatcher/lease-keeper.ts';
import { claimWaiting, repeat, resumeAttempts, type Reign } from '../../../src/dispatcher/reign.ts';
import { linkAbort, type LinkedAbort } from '../../../src/kernel/link-abort.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { createWake } from '../../../src/kernel/wake.ts';
import { failed, runOf } from '../../../src/tasks/attempts.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { createDesk, EPOCH, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { until } from '../../support/until.ts';

let desk: Desk;
let end: LinkedAbort;

beforeEach(async () => {
  desk = await createDesk();
  end = linkAbort(signal);
});

afterEach(async () => {
  end.abort(new Error('the test is over'));
  await desk.close();
});

const reignOf = (keeper: Partial<LeaseKeeper> = {}, deps: Partial<Reign['deps']> = {}): Reign => ({
  deps: { ...desk.deps, ...deps },
  keeper: {
    epoch: EPOCH,
    assertOwner: () => undefined,
    renew: () => Promise.resolve(),
    release: () => Promise.resolve(),
    ...keeper,
  },
  driven: new Map(),
  turns: createTurns(),
  ownerRunning: 0,
  bells: { claim: createWake(desk.clock), debt: createWake(desk.clock) },
  signal: end.signal,
});

const stop = async (reign: Reign): Promise<void> => {
  end.abort(new Error('enough'));
  await Promise.allSettled([...reign.driven.values()].map(({ driver }) => driver.done));
};

describe('claimWaiting', () => {
  it('acts only after the lease was renewed', async () => {
    await desk.create();
    const order: string[] = [];
    desk.transport.onSubmit = () => Promise.resolve(void order.push('submit'));
    const reign = reignOf({ renew: () => Promise.resolve(void order.push('renew')) });
    await claimWaiting(reign);
    await until(() => order.length === 2);
    expect(order).toEqual(['renew', 'submit']);
    await stop(reign);
  });

  it('sends nothing of what it claimed when the lease is lost', async () => {
    const { id } = await desk.create();
    const lost = new MagnetarError('LEASE_LOST', 'gone');
    const reign = reignOf({ renew: () => Promise.reject(lost) });
    await expect(claimWaiting(reign)).rejects.toBe(lost);
    expect(reign.driven.size).toBe(0);
    expect(desk.transport.changes).toEqual([]);
    expect(runOf(await desk.get(id)).point).toBe('prepare'); // whoever owns it next goes on from there
  });

  it('claims nothing before the destination was checked', async () => {
    const { id } = await desk.create();
    await claimWaiting(reignOf({}, { mayClaim: () => false }));
    expect((await desk.get(id)).head.state).toBe('QUEUED');
  });

  it('counts unpaid kills as slots in use', async () => {
    for (let n = 0; n < 3; n += 1) {
      const task = await desk.at('run');
      const closing = { reason: 'lost', now: desk.clock.now(), owed: 'kill' } as const;
      await desk.write(task, failed(task, closing).head);
    }
    const waiting = [await desk.create(), await desk.create()];
    const reign = reignOf();
    await claimWaiting(reign);
    expect([...reign.driven.keys()]).toEqual([waiting[0]?.id]);
    await stop(reign);
  });
});

describe('resumeAttempts', () => {
  it('stamps what runs there with its epoch before it follows it, each once', async () => {
    const task = await desk.at('run');
    const reign = reignOf({ epoch: EPOCH + 1 });
    await resumeAttempts(reign);
    await resumeAttempts(reign);
    expect([...reign.driven.keys()]).toEqual([task.id]);
    expect(runOf(await desk.get(task.id)).epoch).toBe(EPOCH + 1);
    await stop(reign);
  });

  it('reads no task that it follows already', async () => {
    const task = await desk.at('run');
    const reads: string[] = [];
    const store: TaskStore = {
      ...desk.store,
      get: (id, ...rest) => {
        reads.push(id);
        return desk.store.get(id, ...rest);
      },
    };
    const reign = reignOf({}, { store });
    await resumeAttempts(reign);
    reads.length = 0;
    await resumeAttempts(reign);
    expect([...reign.driven.keys()]).toEqual([task.id]);
    expect(reads).toEqual([]);
    await stop(reign);
  });

  it('does not follow what a newer owner has stamped', async () => {
    const task = await desk.at('run');
    const reign = reignOf({ epoch: EPOCH - 1 });
    await resumeAttempts(reign);
    expect(reign.driven.size).toBe(0);
    expect(runOf(await desk.get(task.id)).epoch).toBe(EPOCH);
  });

  it('makes the writes of the former owner fail', async () => {
    const task = await desk.at('run');
    const reign = reignOf({ epoch: EPOCH + 1 });
    await resumeAttempts(reign);
    const { rev } = await desk.get(task.id);
    const result = await desk.store.write(task.id, { rev, epoch: EPOCH }, task.head, { signal });
    expect(result).toBe('conflict');
    await stop(reign);
  });
});

describe('repeat', () => {
  it('goes on after a fault, and ends with a lost lease', async () => {
    const lost = new MagnetarError('LEASE_LOST', 'gone');
    const ends = [new Error('fault'), undefined, lost];
    let turns = 0;
    const work = (): Promise<void> => {
      const error = ends[turns];
      turns += 1;
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    };
    const loop = repeat(reignOf(), createWake(desk.clock), 1_000, work);
    loop.catch(() => undefined);
    for (const _ of ['the fault', 'before the second turn', 'before the third']) {
      await desk.clock.untilSleeping();
      await desk.clock.advance(1_000);
    }
    await expect(loop).rejects.toBe(lost);
    expect(turns).toBe(3);
  });
});
