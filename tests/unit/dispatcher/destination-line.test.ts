/** From a destination that does not answer to one that takes tasks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDestinationLine, type OwnPulsar } from '../../../src/dispatcher/destination-line.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { linkAbort, type LinkedAbort } from '../../../src/kernel/link-abort.ts';
import { createDesk, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { unreachable } from '../../support/dispatcher/fake-transport.ts';
import { newReport } from '../../support/tasks.ts';

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

const lineOf = (pulsar: OwnPulsar, host: Readonly<Record<string, string>> = {}) => {
  desk.transport.status = (job) => {
    const report = JSON.stringify(newReport(job, { host: { runtime: 'podman', ...host } }));
    return Promise.resolve({ status: 'complete', final: true, report });
  };
  const line = createDestinationLine({
    ...desk.deps,
    holder: 'here',
    address: '',
    ownerRunning: 0,
    pulsar,
    ids: createIdSource(() => desk.clock.now()),
    checkJobs: {
      begin: () => Promise.resolve(),
      end: () => Promise.resolve(),
      left: () => Promise.resolve([]),
    },
    onProgress: () => undefined,
  });
  void line.owner.run(end.signal).catch(() => undefined);
  return line;
};

describe('a destination', () => {
  it('of others is asked again until a check job has run there', async () => {
    desk.transport.failing.set('submit', unreachable);
    const line = lineOf({});
    await desk.clock.untilSleeping();
    expect([line.own, line.isChecked()]).toEqual([false, false]);
    desk.transport.failing.clear();
    await desk.clock.advance(60_000);
    await line.ready;
    expect(line.isChecked()).toBe(true);
  });

  it('of our own must run the check job at once', async () => {
    desk.transport.failing.set('submit', unreachable);
    const line = lineOf({ start: () => Promise.resolve() });
    await expect(line.ready).rejects.toBe(unreachable);
    expect([line.own, line.isChecked()]).toEqual([true, false]);
  });

  it('that bubblewrap runs must not keep its jobs where tasks can look', async () => {
    const pulsar = { start: () => Promise.resolve(), folder: '/usr/local/magnetar' };
    const line = lineOf(pulsar, { runtime: 'bubblewrap' });
    await expect(line.ready).rejects.toThrow('bubblewrap shows /usr to every task');
  });
});
