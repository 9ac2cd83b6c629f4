/** The job runner as it lies in this installation; every job gets a copy. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JobFile } from '../tasks/ports/job-transport.ts';

const NAMES = ['run.sh', 'runner.py'];

/** The folder is beside `src` and beside `dist`. */
const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../runner/${name}`, import.meta.url));

export const readRunnerFiles = (): Promise<readonly JobFile[]> =>
  Promise.all(NAMES.map(async (name) => ({ name, bytes: await readFile(pathOf(name)) })));
