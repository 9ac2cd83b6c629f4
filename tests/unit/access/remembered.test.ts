/** Results that count for a short time. */
import { describe, expect, it } from 'vitest';
import { createRemembered } from '../../../src/access/remembered.ts';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const setUp = () => {
  const clock = createVirtualClock();
  const remembered = createRemembered<string>(clock);
  let worked = 0;
  const ask = (credential: string, ms = 100) =>
    remembered.through(credential, () => {
      worked += 1;
      return Promise.resolve({ value: `${credential} ${String(worked)}`, until: clock.now() + ms });
    });
  return { clock, remembered, ask, worked: () => worked };
};

describe('createRemembered', () => {
  it('works a result out once until its time is over', async () => {
    const { clock, ask } = setUp();
    expect(await ask('a')).toBe('a 1');
    expect(await ask('a')).toBe('a 1');
    expect(await ask('b')).toBe('b 2');
    await clock.advance(100);
    expect(await ask('a')).toBe('a 3');
  });

  it('lets all who ask at once wait for one', async () => {
    const { remembered, clock } = setUp();
    const gate = createDeferred<void>();
    let worked = 0;
    const work = async () => {
      worked += 1;
      await gate.promise;
      return { value: 'x', until: clock.now() + 1 };
    };
    const asked = Array.from({ length: 5 }, () => remembered.through('a', work));
    gate.resolve();
    expect(await Promise.all(asked)).toEqual(['x', 'x', 'x', 'x', 'x']);
    expect(worked).toBe(1);
  });

  it('does not remember a failure', async () => {
    const { remembered, ask } = setUp();
    const fail = () => Promise.reject(new Error('down'));
    await expect(remembered.through('a', fail)).rejects.toThrow('down');
    expect(await ask('a')).toBe('a 1');
  });

  it('drops the oldest rather than grow without bound', async () => {
    const { ask, worked } = setUp();
    for (let n = 0; n <= 10_000; n += 1) await ask(String(n));
    const before = worked();
    await ask('10000');
    expect(worked()).toBe(before);
    await ask('0');
    expect(worked()).toBe(before + 1);
  });
});
