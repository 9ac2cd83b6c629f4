/** Makes the data directory and proves that it can be written, before anything else starts. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MagnetarError, messageOf } from '../kernel/errors.ts';

const isThere = (folder: string): boolean =>
  statSync(folder, { throwIfNoEntry: false }) !== undefined;

/** One folder at a time: Node's own recursion never ends below /proc. */
const makeFolders = (folder: string): void => {
  if (isThere(folder)) return;
  makeFolders(path.dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
};

const proveWritable = (folder: string): void => {
  const probe = path.join(folder, `.writable-${String(process.pid)}`);
  writeFileSync(probe, '');
  rmSync(probe);
};

/** Throws STARTUP saying what to do when the folder cannot be made or written. */
export const prepareDataDirectory = (folder: string): void => {
  try {
    makeFolders(folder);
    proveWritable(folder);
  } catch (error) {
    throw new MagnetarError(
      'STARTUP',
      `the data directory ${folder} cannot be used (${messageOf(error)}); make it writable or take another: --data DIR`,
      { cause: error },
    );
  }
};
