/** Sleeping obeys its signal. */
import { describe, expect, it } from 'vitest';
import { systemClock, toRfc3339 } from '../../../src/kernel/clock.ts';

describe('systemClock.sleep', () => {
  it('ends after its time', async () => {
    const start = systemClock.monotonic();
    await systemClock.sleep(20, new AbortController().signal);
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(18);
  });

  it('rejects with the reason when aborted before or during', async () => {
    const reason = new Error('enough');
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });

  it('turns a reason that is no error into one', async () => {
    await expect(systemClock.sleep(1, AbortSignal.abort('text'))).rejects.toThrow('text');
  });
});

describe('toRfc3339', () => {
  it('gives UTC with milliseconds', () => {
    expect(toRfc3339(1)).toBe('1970-01-01T00:00:00.001Z');
  });
});
