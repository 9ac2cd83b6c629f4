/** How many tasks one owner may have. */
import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { isMagnetarError } from '../../../src/kernel/errors.ts';
import { parseOwnerId } from '../../../src/tasks/ids.ts';
import { createAdmission } from '../../../src/tasks/owner-limits.ts';
import type { Usage } from '../../../src/tasks/ports/task-store.ts';

const ME = parseOwnerId('me');
const NONE: Usage = { queued: 0, stored: 0 };
const options = { signal: new AbortController().signal };

const admissionFor = (limits: Partial<Usage>, used: Partial<Usage> = {}) => {
  const asked: string[] = [];
  const usage = { ...NONE, ...used };
  const store = {
    usage: (owner: string) => {
      asked.push(owner);
      return Promise.resolve(usage);
    },
  };
  return { admission: createAdmission(store, { ...NONE, ...limits }), asked, usage };
};

const refusalOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isMagnetarError(error)) throw new Error('it was not refused');
  return { code: error.code, status: error.row.status, message: error.message };
};

describe('createAdmission', () => {
  it('counts nothing while there is no limit', async () => {
    const { admission, asked } = admissionFor({}, { queued: 1e6 });
    expect(await admission.admit(ME, () => Promise.resolve('made'), options)).toBe('made');
    expect(asked).toEqual([]);
  });

  it.each([
    [{ queued: 3 }, { queued: 3 }, 429, '3 waiting tasks of at most 3'],
    [{ stored: 9 }, { stored: 9, queued: 9 }, 403, '9 stored tasks of at most 9'],
    [{ stored: 9, queued: 1 }, { stored: 9, queued: 1 }, 403, '9 stored tasks'],
  ])('refuses at %j with %j used: %i', async (limits, used, status, text) => {
    const { admission } = admissionFor(limits, used);
    const refusal = await refusalOf(admission.admit(ME, () => Promise.resolve(), options));
    expect(refusal.status).toBe(status);
    expect(refusal.message).toContain(text);
  });

  it('lets the last one through, also beside other limits', async () => {
    const { admission } = admissionFor({ queued: 3, stored: 9 }, { queued: 2, stored: 8 });
    expect(await admission.admit(ME, () => Promise.resolve('made'), options)).toBe('made');
  });

  it('counts what is being created, of this owner only, until it has ended', async () => {
    const { admission } = admissionFor({ queued: 2 });
    const gate = createDeferred<void>();
    const create = (owner = ME) => admission.admit(owner, () => gate.promise, options);
    const first = [create(), create()];
    expect((await refusalOf(create())).code).toBe('LIMIT_REACHED');
    const other = create(parseOwnerId('other'));
    gate.resolve();
    await Promise.all([...first, other]);
    await create();
    const failed = admission.admit(ME, () => Promise.reject(new Error('disk')), options);
    await expect(failed).rejects.toThrow('disk');
    await Promise.all([create(), create()]);
  });
});
