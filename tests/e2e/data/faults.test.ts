/** Storages whose connections are cut, that are away or silent, in the middle of what tasks move. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Names } from '../../support/storage/names.ts';
import { FAULTY, type FaultyShelf } from '../../support/storage/faulty-lab.ts';
import {
  bytesMade,
  cutAt,
  linesOf,
  making,
  sha256,
  sumOf,
  summing,
  triesOf,
  useFaultySite,
} from '../../support/storage/faulty-site.ts';

const SIZE = 20_000_000;
const SEED = 5;

const faulty = useFaultySite('stall_s = 3');

/** Cuts that are the same in each run: a linear congruential generator. */
const cutsOf = (count: number, from: number, to: number): readonly number[] => {
  let state = SEED;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return from + (state % (to - from));
  });
};

/** All that ever shows under the name until `done`: nothing, or the sum of a whole file. */
const watch = async ({ get }: FaultyShelf, names: Names, done: () => boolean) => {
  const seen = new Set<string>();
  while (!done()) {
    const bytes = await get(names);
    if (bytes !== undefined) seen.add(sha256(bytes));
    await sleep(20);
  }
  return [...seen];
};

describe.each(FAULTY)('%s', (name) => {
  const shelfOf = (): FaultyShelf => faulty().lab.shelves[name];

  it('goes on with an input where it was cut', async () => {
    const { put, url, proxy } = shelfOf();
    const bytes = randomBytes(SIZE);
    await put(['in'], bytes);
    const before = await proxy.passed('downstream');
    const cutting = cutAt(proxy, 'downstream', cutsOf(4, 2_000_000, 6_000_000));
    const id = await faulty().server.tes.create(summing(url('in')));
    const [task] = await Promise.all([faulty().ended(id), cutting]);
    expect([task.state, sumOf(task)], linesOf(task)).toEqual(['COMPLETE', sha256(bytes)]);
    expect(triesOf(task, 'input 0')).toBeGreaterThan(2);
    // What was on its way at each cut is sent again; a fresh start at each would take twice as much.
    expect((await proxy.passed('downstream')) - before).toBeLessThan(SIZE * 1.5);
  });

  it('stores an output whole or not at all, however often it is cut', async () => {
    const { get, files, url, proxy } = shelfOf();
    const cuts = cutsOf(3, 1, SIZE);
    const cutting = cutAt(proxy, 'upstream', cuts);
    const id = await faulty().server.tes.create(making(url(`${name}/out`), SIZE));
    let over = false;
    const watching = watch(shelfOf(), [name, 'out'], () => over);
    const task = await faulty().ended(id);
    over = true;
    await cutting;
    expect(task.state, linesOf(task)).toBe('COMPLETE');
    expect(triesOf(task, 'output 0')).toBeGreaterThan(1);
    const whole = sha256(bytesMade(SIZE));
    expect([[], [whole]]).toContainEqual(await watching);
    expect(sha256((await get([name, 'out'])) ?? Buffer.of())).toBe(whole);
    expect(await files([name])).toEqual(['out']);
    expect(await faulty().lab.openUploads()).toBe(0);
  });

  it('waits for a storage that comes back after two seconds', async () => {
    const { put, url, proxy } = shelfOf();
    await put(['in'], Buffer.from('x'));
    await proxy.down();
    const id = await faulty().server.tes.create({
      ...summing(url('in')),
      outputs: [{ url: url('back'), path: '/data/in' }],
    });
    await faulty().server.tes.reached(id, 'INITIALIZING');
    await sleep(2000);
    await proxy.up();
    const task = await faulty().ended(id);
    expect([task.state, sumOf(task)], linesOf(task)).toEqual([
      'COMPLETE',
      sha256(Buffer.from('x')),
    ]);
  });

  it.each(['input', 'output'] as const)('gives an %s up when it stays away', async (use) => {
    const { url, proxy } = shelfOf();
    await proxy.down();
    const task = use === 'input' ? summing(url('gone')) : making(url('gone'), SIZE);
    const id = await faulty().server.tes.create(task);
    const ended = await faulty().ended(id, 40_000);
    expect(ended.state).toBe('SYSTEM_ERROR');
    expect(linesOf(ended)).toMatch(`${use} 0 `);
    expect(linesOf(ended)).toContain(`${url('gone')}: `);
    expect(linesOf(ended)).toMatch(/: connection refused$/im);
  });

  it('ends a transfer that stands still', async () => {
    const { put, url, proxy } = shelfOf();
    await put(['in'], bytesMade(SIZE));
    await proxy.suffer({ type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } });
    const task = await faulty().ended(await faulty().server.tes.create(summing(url('in'))), 60_000);
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(linesOf(task)).toContain(`${url('in')}: `);
    expect(linesOf(task)).toMatch(/timed out|no answer in time|does not answer within 3 s/);
  });

  it('lets a slow one take longer than that', async () => {
    const { put, url, proxy } = shelfOf();
    const bytes = randomBytes(500_000);
    await put(['in'], bytes);
    const attributes = { rate: 100 };
    await proxy.suffer({ type: 'bandwidth', stream: 'downstream', attributes });
    const task = await faulty().ended(await faulty().server.tes.create(summing(url('in'))));
    expect([task.state, sumOf(task)], linesOf(task)).toEqual(['COMPLETE', sha256(bytes)]);
    expect(triesOf(task, 'input 0')).toBe(1);
  });
});
