import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { withLinked } from '../../../src/pulsar/linked-signal.ts';

const reason = new Error('enough');

describe('withLinked', () => {
  it('follows each of its sources with its reason', async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    await withLinked([one.signal, two.signal], (signal) => {
      expect(signal.aborted).toBe(false);
      two.abort(reason);
      expect(signal.reason).toBe(reason);
      return Promise.resolve();
    });
  });

  it('starts aborted when a source is', async () => {
    const work = withLinked([AbortSignal.abort(reason)], (signal) =>
      Promise.resolve(signal.reason),
    );
    expect(await work).toBe(reason);
  });

  it('can be aborted by the work without touching its sources', async () => {
    const source = new AbortController();
    await withLinked([source.signal], (signal, abort) => {
      abort(reason);
      expect(signal.reason).toBe(reason);
      return Promise.resolve();
    });
    expect(source.signal.aborted).toBe(false);
  });

  it('leaves nothing behind in its sources, after success and failure', async () => {
    const { signal } = new AbortController();
    await withLinked([signal], () => Promise.resolve());
    await expect(withLinked([signal], () => Promise.reject(reason))).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
