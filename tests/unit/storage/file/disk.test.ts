/** Calls into a file system that hangs: nobody waits for ever, and the threads of others stay theirs. */
import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../../src/kernel/deferred.ts';
import { MagnetarError } from '../../../../src/kernel/errors.ts';
import { createDisk } from '../../../../src/storage/file/disk.ts';

const url = '/data/file';
const signal = new AbortController().signal;

const hanging = () => {
  const { promise, resolve, reject } = createDeferred<string>();
  let begun = 0;
  const work = (): Promise<string> => {
    begun += 1;
    return promise;
  };
  return { work, resolve, reject, begun: () => begun };
};

describe('a disk that hangs', () => {
  it('is STORAGE_UNAVAILABLE after the stall time, also for those who only wait for a place', async () => {
    const disk = createDisk(20, 1);
    const { work, begun } = hanging();
    const calls = [disk.run(work, { url, signal }), disk.run(work, { url, signal })];
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        message: `${url}: its file system does not answer`,
      });
    }
    expect(begun()).toBe(1);
  });

  it('takes two threads at most, until it answers', async () => {
    const disk = createDisk(10_000);
    const { work, resolve, begun } = hanging();
    const calls = [1, 2, 3].map(() => disk.run(work, { url, signal }));
    await Promise.resolve();
    expect(begun()).toBe(2);
    resolve('back');
    expect(await Promise.all(calls)).toEqual(['back', 'back', 'back']);
  });

  it('is left at once by an abort, with its reason; what comes too late is let go of', async () => {
    const disk = createDisk(10_000);
    const { work, resolve } = hanging();
    const off = new AbortController();
    const late = createDeferred<string>();
    const call = disk.run(work, { url, signal: off.signal, late: late.resolve });
    const reason = new MagnetarError('STOPPING', 'enough');
    off.abort(reason);
    await expect(call).rejects.toBe(reason);
    resolve('too late');
    expect(await late.promise).toBe('too late');
  });

  it('is left by its close', async () => {
    const disk = createDisk(10_000);
    const { work } = hanging();
    const call = disk.run(work, { url, signal });
    disk.close();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(disk.run(work, { url, signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('is not given a second thread by the cleaning up after a call that hangs', async () => {
    const disk = createDisk(20, 2);
    const line = disk.line();
    const { work, reject } = hanging();
    await expect(line.run(work, { url, signal })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    const done: string[] = [];
    const tidied = line.tidy(() => {
      done.push('tidied');
      return Promise.reject(new Error('of no use to anybody'));
    });
    await disk.run(() => Promise.resolve(done.push('another')), { url, signal });
    disk.close();
    reject(new Error('the disk is gone'));
    await tidied;
    expect(done).toEqual(['another', 'tidied']);
  });
});
