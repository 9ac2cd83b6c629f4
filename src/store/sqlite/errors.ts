/** Turns what SQLite and the file system say into errors of the catalogue. */
import { dirname } from 'node:path';
import { MagnetarError, isMagnetarError, messageOf } from '../../kernel/errors.ts';
import { sqliteCodeOf } from './driver.ts';

export const startupError = (message: string, cause?: unknown): MagnetarError =>
  new MagnetarError('STARTUP', message, cause === undefined ? {} : { cause });

const CORRUPT_ADVICE =
  'move it away and restore a backup, or point the configuration at another file';

/** By the start of the SQLite code (extended codes append a suffix) or by the system's code: what is wrong, and what to do. */
const STARTUP_ADVICE: readonly (readonly [code: string, advice: (path: string) => string])[] = [
  ['SQLITE_NOTADB', (path) => `${path} is not a SQLite database: ${CORRUPT_ADVICE}`],
  ['SQLITE_CORRUPT', (path) => `the database ${path} is damaged: ${CORRUPT_ADVICE}`],
  ['SQLITE_BUSY', (path) => `the database ${path} is locked by another program: end that program`],
  ['SQLITE_FULL', (path) => `no space is left for the database ${path}: free some`],
  [
    'SQLITE_',
    (path) =>
      `the database ${path} cannot be used: check that this user may write it and ${dirname(path)}`,
  ],
  ['EEXIST', (path) => `a part of ${path} is a file, not a folder: correct the path`],
  ['ENOTDIR', (path) => `a part of ${path} is a file, not a folder: correct the path`],
  ['EISDIR', (path) => `${path} is a folder: name a file inside it`],
  ['EROFS', (path) => `${path} lies on a read-only file system: choose another path`],
  ['ENOSPC', (path) => `no space is left for the database ${path}: free some`],
  [
    '',
    (path) =>
      `the database ${path} cannot be created or written: give this user write access to ${dirname(path)} or choose another path`,
  ],
];

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** One clear STARTUP error for anything that went wrong while opening. */
export const toStartupError = (path: string, error: unknown): MagnetarError => {
  if (isMagnetarError(error)) return error;
  const code = codeOf(error);
  const advice = STARTUP_ADVICE.find(([start]) => code.startsWith(start))?.[1](path) ?? path;
  return startupError(`${advice} (${messageOf(error)})`, error);
};

/** A SQLite error at work: the database does not serve; anything else passes unchanged. */
export const toStoreError = (error: unknown): unknown => {
  const code = sqliteCodeOf(error);
  if (code === undefined) return error;
  const message =
    code === 'SQLITE_FULL' ? 'no space is left for the database' : 'the database failed';
  return new MagnetarError('STORE_UNAVAILABLE', message, { cause: error });
};
