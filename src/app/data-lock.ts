/** One server on one data directory, whatever its store: the embedded Pulsar and the install secret are one server's. */
import { join } from 'node:path';
import { lockFile } from '../store/sqlite/file-lock.ts';

/**
 * Holds `lock` in the directory until the answered function is called.
 * @throws MagnetarError STARTUP when another process holds it
 */
export const lockDataDirectory = (directory: string): (() => void) => {
  const held = `another Magnetar uses the data directory ${directory}: stop it, or give this one its own: --data DIR`;
  const lock = lockFile(join(directory, 'lock'), held);
  return () => {
    lock.close();
  };
};
