/** The end of the application, with and without a second Ctrl-C. */
import { describe, expect, it } from 'vitest';
import { createEnding } from '../../../src/app/ending.ts';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { createReleases } from '../../../src/kernel/releases.ts';
import { silent } from '../../support/dispatcher/desk.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const given = (running: number) => {
  const steps: string[] = [];
  const clock = createVirtualClock();
  const releases = createReleases();
  const ended = createDeferred<void>();
  let active = running;
  releases.push(() => void steps.push('released'));
  const dispatcher = {
    active: () => active,
    async cancelActive() {
      steps.push('cancelling');
      await ended.promise;
      active = 0;
      steps.push('cancelled');
    },
  };
  const ending = createEnding({ dispatcher: () => dispatcher, releases, clock, logger: silent });
  return { ending, steps, clock, ended };
};

describe('the end of the application', () => {
  it('leaves what runs, once nobody has cancelled it for a second', async () => {
    const { ending, steps, clock } = given(2);
    const stopped = ending.stop();
    await clock.untilSleeping();
    expect(steps).toEqual([]);
    await clock.advance(1_000);
    expect(await stopped).toEqual({ running: 2 });
    expect(steps).toEqual(['released']);
  });

  it('waits for the cancel of what runs before it lets go of anything', async () => {
    const { ending, steps, clock, ended } = given(2);
    const stopped = ending.stop();
    await clock.untilSleeping();
    const cancelled = ending.cancelAll();
    await clock.advance(5_000);
    expect(steps).toEqual(['cancelling']);
    ended.resolve();
    await cancelled;
    expect(await stopped).toEqual({ running: 0 });
    expect(steps).toEqual(['cancelling', 'cancelled', 'released']);
  });

  it('ends also when not all could be cancelled, and before the server has started', async () => {
    const { ending, clock, ended } = given(1);
    const cancelled = ending.cancelAll();
    ended.reject(new Error('too late'));
    await expect(cancelled).rejects.toThrow('too late');
    expect(await ending.stop()).toEqual({ running: 1 });
    const releases = createReleases();
    const early = createEnding({ dispatcher: () => undefined, releases, clock, logger: silent });
    await early.cancelAll();
    expect(await early.stop()).toEqual({ running: 0 });
  });
});
