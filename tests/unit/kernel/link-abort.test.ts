import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { linkAbort, withLinked } from '../../../src/kernel/link-abort.ts';

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

describe('linkAbort', () => {
  it('may have as many links to one parent as there is work under way', () => {
    const warn = vi.spyOn(process, 'emitWarning');
    const { signal } = new AbortController();
    const links = Array.from({ length: 20 }, () => linkAbort(signal));
    expect(getEventListeners(signal, 'abort')).toHaveLength(20);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    for (const link of links) link.unlink();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('follows its parent until it is let go', () => {
    const parent = new AbortController();
    const [held, free] = [linkAbort(parent.signal), linkAbort(parent.signal)];
    free.unlink();
    parent.abort(reason);
    expect(held.signal.reason).toBe(reason);
    expect(free.signal.aborted).toBe(false);
  });
});
