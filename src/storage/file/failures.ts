/** What the system says about files, as the errors of storages. */
import { MagnetarError, messageOf, type ErrorCode } from '../../kernel/errors.ts';
import { redactUrl } from '../../tasks/urls.ts';

type Row = readonly [ErrorCode, string];

const missing: Row = ['STORAGE_MISSING', 'there is no such file or folder'];
const folder: Row = ['STORAGE_FAILED', 'is a folder'];
const full: Row = ['STORAGE_FAILED', 'the disk is full'];
const silent: Row = ['STORAGE_UNAVAILABLE', 'its file system does not answer'];
const busy: Row = ['STORAGE_UNAVAILABLE', 'too many files are open'];

/** Neither a file nor a folder; no code of the system. */
export const SPECIAL = 'SPECIAL';
/** A name that no text can carry; the system has the code for other uses. */
export const NOT_TEXT = 'EILSEQ';

const ROWS: Readonly<Record<string, Row>> = {
  ENOENT: missing,
  ENOTDIR: missing,
  EACCES: ['STORAGE_DENIED', 'the permissions of its file system do not let this server'],
  EPERM: ['STORAGE_DENIED', 'its file system does not let this server'],
  EROFS: ['STORAGE_DENIED', 'its file system is read-only'],
  ENOSPC: full,
  EDQUOT: ['STORAGE_FAILED', 'the disk is full: the quota of this server is used up'],
  EFBIG: ['STORAGE_FAILED', 'is larger than its file system takes'],
  EISDIR: folder,
  ENOTEMPTY: folder,
  EEXIST: folder,
  ELOOP: ['STORAGE_FAILED', 'leads over too many links'],
  ENAMETOOLONG: ['STORAGE_FAILED', 'has a name that is too long'],
  [NOT_TEXT]: ['STORAGE_FAILED', 'leads over a link to a name that is not UTF-8'],
  [SPECIAL]: ['STORAGE_FAILED', 'is neither a file nor a folder'],
  EIO: ['STORAGE_UNAVAILABLE', 'its disk fails'],
  ESTALE: ['STORAGE_UNAVAILABLE', 'changed meanwhile'],
  ETIMEDOUT: silent,
  EHOSTDOWN: silent,
  ENOTCONN: silent,
  EAGAIN: silent,
  EMFILE: busy,
  ENFILE: busy,
};

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** An error as the system would make it. */
export const systemError = (code: string): Error => Object.assign(new Error(code), { code });

/** The system has a number for each of its errors; others are faults of this program and stay what they are. */
export const fileFailure = (url: string, thrown: unknown): Error => {
  const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
  const code = codeOf(error);
  const own = code === undefined ? undefined : ROWS[code];
  if (error instanceof MagnetarError) return error;
  if (own === undefined && !('errno' in error)) return error;
  const [meaning, text] = own ?? ['STORAGE_FAILED', `its file system says ${code ?? 'nothing'}`];
  return new MagnetarError(meaning, `${redactUrl(url)}: ${text}`);
};
