/** Reading the URLs of a task: which scheme, which paths, and a form that may be shown. No I/O. */
import { openUrl } from './user-info.ts';

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

/** Lower-case scheme; a plain absolute path counts as `file`; undefined = neither. */
export const schemeOf = (url: string): string | undefined =>
  url.startsWith('/') ? 'file' : SCHEME.exec(url)?.[1]?.toLowerCase();

const FILE_PREFIX = /^file:\/\/(localhost)?(?=\/)/i;

const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
};

/**
 * The absolute paths that a `file://` URL or a plain path may mean: literal first, then percent-decoded (clients send both, C23).
 * Empty when it names no local absolute path.
 */
export const filePathsOf = (url: string): readonly string[] => {
  if (url.startsWith('/')) return [url];
  const path = FILE_PREFIX.test(url) ? url.replace(FILE_PREFIX, '') : undefined;
  if (path === undefined) return [];
  const other = decoded(path);
  return other === undefined || other === path ? [path] : [path, other];
};

const WELL_FORMED = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;

/** The path that a `file://` output means: decoded when it is a well-formed URL, as written when it holds raw characters; undefined = none. */
export const outputPathOf = (url: string): string | undefined => {
  const [literal, other] = filePathsOf(url);
  return literal !== undefined && WELL_FORMED.test(literal) ? (other ?? literal) : literal;
};

/** Segments of a path, without empty ones and `.`. */
export const segmentsOf = (path: string): readonly string[] =>
  path.split('/').filter((segment) => segment !== '' && segment !== '.');

/** Whether a text can be the name of a file or folder. */
export const isName = (text: string): boolean =>
  text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text);

export const hasDotDot = (path: string): boolean => path.split('/').includes('..');

/** Whether `path` is `root` or lies below it, segment by segment; both absolute and resolved. */
export const isBelow = (path: string, root: string): boolean => {
  const wanted = segmentsOf(root);
  const given = segmentsOf(path);
  return wanted.every((segment, index) => given[index] === segment);
};

const isHttp = (scheme: string): boolean => /^https?$/i.test(scheme);

const withoutQuery = (rest: string): string => rest.replace(/[?#].*$/s, '');

/** The URL without user information, query and fragment: fit for logs and messages. */
export const redactUrl = (url: string): string => {
  const open = openUrl(url);
  if (open === undefined) return url;
  const scheme = open.scheme.toLowerCase();
  return `${scheme}://${scheme === 'file' ? open.rest : withoutQuery(open.rest)}`;
};

/** What an input must be (input-check.ts). */
export const DIGEST_AT_END = /#sha256=([0-9a-f]{64})$/i;

/** The URL as it may be stored and shown to clients: without user information and, of http, what follows the path but for a digest. In other schemes `?` and `#` are characters of names. */
export const safeUrl = (url: string): string => {
  const open = openUrl(url);
  if (open === undefined) return url;
  const { scheme, rest } = open;
  if (!isHttp(scheme)) return `${scheme}://${rest}`;
  return `${scheme}://${withoutQuery(rest)}${DIGEST_AT_END.exec(rest)?.[0] ?? ''}`;
};

/** The URL of something below a folder; names are encoded, the query of the folder's URL stays behind them. */
export const urlBelow = (url: string, names: readonly string[]): string => {
  if (names.length === 0) return url;
  const cut = isHttp(schemeOf(url) ?? '') ? url.search(/[?#]/) : -1;
  const [base, rest] = cut === -1 ? [url, ''] : [url.slice(0, cut), url.slice(cut)];
  const encode = url.startsWith('/') ? (name: string) => name : encodeURIComponent;
  return `${base.replace(/\/+$/, '')}/${names.map(encode).join('/')}${rest}`;
};
