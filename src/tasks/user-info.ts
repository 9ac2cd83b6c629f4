/**
 * Where the user information of a URL ends, also when a password holds `/`, `?`, `#` or `@` that should have been encoded. No I/O.
 * 1. What lies before the first `/`, `?` or `#` decides where it can: as `host[:port]` there is no user information, as
 *    `…@host[:port]` it ends at the last `@` there; an `@` further on belongs to the path.
 * 2. Else it ends at the last `@` of all that a `host[:port]` follows; where none does, at the last `@`.
 */

const HEAD = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

const ONE_HOST = '(?:\\[[0-9A-Fa-f:.%]+\\]|[^\\s\\p{Cc},/?#@:[\\]\\\\<>"^`{|}]+)(?::\\d{0,5})?';
/** Addresses of databases may list several. */
const HOST = `${ONE_HOST}(?:,${ONE_HOST})*`;
const IS_HOST = new RegExp(`^${HOST}$`, 'u');
const AT_BEFORE_HOST = new RegExp(`@(?=${HOST}(?:[/?#]|$))`, 'gu');

/** A URL without its user information. */
export interface OpenUrl {
  /** As it was written. */
  readonly scheme: string;
  /** What follows `://`, or the `@` behind it. */
  readonly rest: string;
}

/** Characters of user information at the start, with its `@`. */
const lengthIn = (text: string): number => {
  const [first = ''] = /^[^/?#]*/.exec(text) ?? [];
  const at = first.lastIndexOf('@');
  if (IS_HOST.test(first.slice(at + 1))) return at + 1;
  const last = [...text.matchAll(AT_BEFORE_HOST)].at(-1);
  return (last?.index ?? text.lastIndexOf('@')) + 1;
};

/** Undefined = the text is no URL with an authority. */
export const openUrl = (url: string): OpenUrl | undefined => {
  const [head, scheme] = HEAD.exec(url) ?? [];
  if (head === undefined || scheme === undefined) return undefined;
  const text = url.slice(head.length);
  const isPath = scheme.toLowerCase() === 'file' && text.startsWith('/');
  return { scheme, rest: isPath ? text : text.slice(lengthIn(text)) };
};
