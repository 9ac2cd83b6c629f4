/** Job files on the same disk: written into the job's folder, instead of three uploads through Pulsar's four threads. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MagnetarError, messageOf } from '../../kernel/errors.ts';
import type { LayDown } from '../rest/submit.ts';

/** Pulsar has just made `<staging>/<job>/inputs`, for which nobody but this user can write. */
export const writeBelow =
  (staging: string): LayDown =>
  async (job, files, { signal }) => {
    const inputs = join(staging, job, 'inputs');
    try {
      for (const { name, bytes } of files) {
        const path = join(inputs, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes, { mode: 0o600, signal });
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw new MagnetarError(
        'PULSAR_REFUSED',
        `the job's files cannot be written: ${messageOf(cause)}`,
        { cause },
      );
    }
  };
