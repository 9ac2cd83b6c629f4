import { describe, expect, it } from 'vitest';
import { MagnetarError, isMagnetarError } from '../../../../src/kernel/errors.ts';
import { fileFailure } from '../../../../src/storage/file/failures.ts';

const failureOf = (code: string): MagnetarError => {
  const error = fileFailure('/data/file', Object.assign(new Error(code), { code, errno: -1 }));
  if (!isMagnetarError(error)) throw error;
  return error;
};

describe('fileFailure', () => {
  it.each([
    ['ENOENT', 'STORAGE_MISSING', 'no such file'],
    ['EACCES', 'STORAGE_DENIED', 'permissions'],
    ['EPERM', 'STORAGE_DENIED', 'does not let'],
    ['EROFS', 'STORAGE_DENIED', 'read-only'],
    ['ENOSPC', 'STORAGE_FAILED', 'the disk is full'],
    ['EDQUOT', 'STORAGE_FAILED', 'the disk is full'],
    ['EISDIR', 'STORAGE_FAILED', 'is a folder'],
    ['EIO', 'STORAGE_UNAVAILABLE', 'its disk fails'],
    ['ESTALE', 'STORAGE_UNAVAILABLE', 'changed meanwhile'],
    ['ETIMEDOUT', 'STORAGE_UNAVAILABLE', 'does not answer'],
    ['EMFILE', 'STORAGE_UNAVAILABLE', 'too many files'],
    ['EOTHER', 'STORAGE_FAILED', 'its file system says EOTHER'],
  ])('makes %s %s', (code, wanted, text) => {
    const error = failureOf(code);
    expect(error).toMatchObject({ code: wanted });
    expect(error.message).toContain(`/data/file: `);
    expect(error.message).toContain(text);
  });

  it('is worth another try only where the file system may come back', () => {
    expect(failureOf('ENOSPC').row.retryable).toBe(false);
    expect(failureOf('EIO').row.retryable).toBe(true);
  });

  it('leaves our own errors and faults of the program what they are', () => {
    for (const error of [new MagnetarError('JOB_OVER', 'over'), new TypeError('fault')]) {
      expect(fileFailure('/data/file', error)).toBe(error);
    }
  });
});
