/** Whose work is nobody's: what to tell at the start, and what not. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLease } from '../../../src/dispatcher/lease-keeper.ts';
import { lostDestinations } from '../../../src/dispatcher/lost-destinations.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import { claimed } from '../../../src/tasks/attempts.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { createDesk, signal, type Desk } from '../../support/dispatcher/desk.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
  for (const destination of ['own', 'alive', 'dead', 'given back', 'never held']) {
    const task = await desk.create();
    const slots = { cores: 0, ram_bytes: 0 };
    await desk.write(task, claimed(task, { destination, epoch: 1, slots, now: desk.clock.now() }));
  }
});

afterEach(async () => {
  await desk.close();
});

const depsOn = (store: TaskStore) => ({
  store,
  clock: desk.clock,
  timing: DEFAULT_TIMING,
  own: new Set(['own']),
});

it('are all that is not configured, where no other server can be', async () => {
  const names = await lostDestinations(depsOn(desk.store), signal);
  expect(names).toEqual(['alive', 'dead', 'given back', 'never held']);
});

it('are not those that another server holds whose lease beats', async () => {
  const store: TaskStore = { ...desk.store, exclusive: false };
  const hold = (destination: string) =>
    takeLease(
      {
        ...depsOn(store),
        destination,
        holder: 'other',
        address: '',
        capacity: { name: destination, jobs: 1 },
      },
      signal,
    );
  const alive = await hold('alive');
  await hold('dead');
  await (await hold('given back')).release(signal);
  const names = lostDestinations(depsOn(store), signal);
  await desk.clock.untilSleeping();
  await alive.renew(signal);
  await desk.clock.advance(DEFAULT_TIMING.takeOverMs);
  expect(await names).toEqual(['dead', 'given back', 'never held']);
});
