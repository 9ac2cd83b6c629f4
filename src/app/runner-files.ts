/** The job runner as it lies in this installation; every job gets a copy. */
import { readFile } from 'node:fs/promises';
import type { JobFile } from '../tasks/ports/job-transport.ts';

/** The folder is beside `src` and beside `dist`. */
const FOLDER = new URL('../../runner/', import.meta.url);

const SIBLING_IMPORT = /^from \.\w+ import .*\n/gm;

const read = (name: string): Promise<string> => readFile(new URL(name, FOLDER), 'utf8');

/** The parts in their order as one file, without their imports from each other; `runner/join.py` does the same for the tests. */
const joinRunner = async (): Promise<string> => {
  const parts = (await read('parts.txt')).split('\n').filter((name) => name !== '');
  const texts = await Promise.all(parts.map((name) => read(`src/${name}.py`)));
  return texts.join('').replaceAll(SIBLING_IMPORT, '');
};

export const readRunnerFiles = async (): Promise<readonly JobFile[]> => {
  const [start, runner] = await Promise.all([read('run.sh'), joinRunner()]);
  return [
    { name: 'run.sh', bytes: Buffer.from(start) },
    { name: 'runner.py', bytes: Buffer.from(runner) },
  ];
};
