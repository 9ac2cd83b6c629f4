/** Look-ups of files never hold more than one thread, nor a caller for ever. The rest is tested through the API. */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { createAllowList } from '../../../src/storage/file/allow-list.ts';
import { NOBODY } from '../../../src/tasks/grants.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const options = { signal: new AbortController().signal, file: false, caller: NOBODY };
const open = (...read: readonly string[]) => ({ rootsFor: () => ({ read, write: [] }) });

describe('createAllowList', () => {
  it('looks up one path at a time', async () => {
    const root = createTempFolder();
    let most = 0;
    let now = 0;
    const realPath = async (path: string): Promise<string> => {
      now += 1;
      most = Math.max(most, now);
      return realpath(path).finally(() => {
        now -= 1;
      });
    };
    const list = createAllowList({ ...open(root, '/usr'), realPath });
    const verdicts = await Promise.all(
      [1, 2, 3].map((n) => list.check([join(root, String(n))], 'read', options)),
    );
    expect(verdicts).toEqual([{ allowed: true }, { allowed: true }, { allowed: true }]);
    expect(most).toBe(1);
  });

  it('says which path hangs, and goes on when it is back', async () => {
    const root = createTempFolder();
    const back = createDeferred<undefined>();
    let isGone = true;
    const realPath = async (path: string): Promise<string> => {
      if (isGone) await back.promise;
      return realpath(path);
    };
    const list = createAllowList({ ...open(root), realPath, lookUpMs: 20 });
    const lost = list.check([join(root, 'a')], 'read', options);
    const behind = list.check([join(root, 'b')], 'read', options);
    await expect(lost).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(behind).rejects.toThrow(/b cannot be looked up: its file system does not answer/);
    isGone = false;
    back.resolve(undefined);
    const long = createAllowList({ ...open(root), realPath });
    expect(await long.check([join(root, 'c')], 'read', options)).toEqual({ allowed: true });
  });
});
