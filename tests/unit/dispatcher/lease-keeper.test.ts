import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLease, type LeaseKeeperDeps } from '../../../src/dispatcher/lease-keeper.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const { signal } = new AbortController();

let directory: string;
let store: TaskStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lease-'));
  ({ store } = createSqliteStore({ path: join(directory, 'db'), logger: silent }));
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** The same rows, as a store that several processes share. */
const depsOf = (holder: string, clock = createVirtualClock()): LeaseKeeperDeps => ({
  store: { ...store, exclusive: false },
  clock,
  timing: DEFAULT_TIMING,
  destination: 'far',
  holder,
  address: '',
  capacity: { name: 'far', jobs: 1 },
});

describe('takeLease', () => {
  it('takes a lease that nobody holds with the first epoch', async () => {
    const keeper = await takeLease(depsOf('a'), signal);
    expect(keeper.epoch).toBe(1);
    expect(await store.lease('far', { signal })).toMatchObject({ holder: 'a', epoch: 1 });
  });

  it('waits while the holder renews and takes over once the beat stands still', async () => {
    const former = await takeLease(depsOf('a'), signal);
    const clock = createVirtualClock();
    const taking = takeLease(depsOf('b', clock), signal);
    await clock.untilSleeping();
    await former.renew(signal);
    await clock.advance(DEFAULT_TIMING.takeOverMs);
    await clock.untilSleeping();
    expect(await store.lease('far', { signal })).toMatchObject({ holder: 'a' });
    await clock.advance(DEFAULT_TIMING.takeOverMs);
    const next = await taking;
    expect(next.epoch).toBe(2);
    await expect(former.renew(signal)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await next.renew(signal);
  });

  it('takes at once what was given back, and at once in a store of one process', async () => {
    const former = await takeLease(depsOf('a'), signal);
    await former.release(signal);
    expect((await takeLease(depsOf('b'), signal)).epoch).toBe(2);
    expect((await takeLease({ ...depsOf('c'), store }, signal)).epoch).toBe(3);
  });
});

describe('renew', () => {
  it('asked for twice at once does not take itself for another process', async () => {
    const keeper = await takeLease(depsOf('a'), signal);
    await Promise.all([keeper.renew(signal), keeper.renew(signal), keeper.renew(signal)]);
    expect(await store.lease('far', { signal })).toMatchObject({ holder: 'a', beat: 3 });
  });
});

describe('assertOwner', () => {
  it('refuses to act once the last good renewal is too old, and again after one succeeded', async () => {
    const clock = createVirtualClock();
    const keeper = await takeLease(depsOf('a', clock), signal);
    await clock.advance(DEFAULT_TIMING.actMs);
    keeper.assertOwner();
    await clock.advance(1);
    expect(() => {
      keeper.assertOwner();
    }).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
    await keeper.renew(signal);
    keeper.assertOwner();
  });
});
