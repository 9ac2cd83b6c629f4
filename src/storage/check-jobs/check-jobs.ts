/** CheckJobs as empty files of the data directory, `<destination>/<job>`. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJobId } from '../../tasks/ids.ts';
import type { CheckJobs } from '../../tasks/ports/check-jobs.ts';

export const createCheckJobs = (directory: string): CheckJobs => ({
  async begin(destination, job, { signal }) {
    const folder = join(directory, destination);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, job), '', { mode: 0o600, signal });
  },
  async end(destination, job, { signal }) {
    signal.throwIfAborted();
    await rm(join(directory, destination, job), { force: true });
  },
  async left(destination, { signal }) {
    signal.throwIfAborted();
    const names = await readdir(join(directory, destination)).catch(() => []);
    return names.flatMap((name) => parseJobId(name)?.job ?? []);
  },
});
