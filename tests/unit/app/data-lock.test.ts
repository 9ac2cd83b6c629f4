/** The lock on the data directory: one holder at a time, free again when it is released. */
import { describe, expect, it } from 'vitest';
import { lockDataDirectory } from '../../../src/app/data-lock.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

describe('lockDataDirectory', () => {
  it('refuses a second holder and says what to do', () => {
    const directory = createTempFolder();
    const release = lockDataDirectory(directory);
    expect(() => lockDataDirectory(directory)).toThrow(
      `another Magnetar uses the data directory ${directory}: stop it, or give this one its own: --data DIR`,
    );
    release();
  });

  it('lets the next one in after its release', () => {
    const directory = createTempFolder();
    lockDataDirectory(directory)();
    lockDataDirectory(directory)();
  });
});
