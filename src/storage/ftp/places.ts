/** What an `ftp://` or `ftps://` URL means: where to connect, as whom, and which path. Pure. */
import { failed } from '../connect/failures.ts';
import { entryFor } from '../connect/host-entries.ts';

export interface FtpHost {
  /** `data.example`, or `data.example:2121` for one port of it. */
  readonly host: string;
  readonly user: string;
  readonly password: string;
}

/**
 * `explicit`: AUTH TLS after connecting (RFC 4217), `implicit`: TLS from the first byte, which no RFC describes and which lives on port 990
 * only. So the port of an `ftps://` URL decides, and without one it is 21 and explicit: what servers of today offer.
 */
export type FtpSecurity = 'none' | 'explicit' | 'implicit';

export interface Place {
  /** As it was given, for messages and for the URLs of entries. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly security: FtpSecurity;
  readonly user: string;
  readonly password: string;
  /** From the folder that a login leads to; from the root when `absolute` (RFC 1738: `%2F` first). */
  readonly path: readonly string[];
  readonly absolute: boolean;
}

const IMPLICIT_PORT = 990;
const DEFAULT_PORT = 21;
const CONTROL = /\p{Cc}/u;

const decode = (url: string, text: string): string => {
  let plain: string;
  try {
    plain = decodeURIComponent(text);
  } catch {
    throw failed(url, 'holds an escape that is not UTF-8');
  }
  if (CONTROL.test(plain)) throw failed(url, 'holds control characters, which FTP cannot carry');
  return plain;
};

const securityOf = (protocol: string, port: number): FtpSecurity => {
  if (protocol === 'ftp:') return 'none';
  return port === IMPLICIT_PORT ? 'implicit' : 'explicit';
};

const ANONYMOUS = { user: 'anonymous', password: 'anonymous@' };

const loginOf = (
  text: string,
  url: URL,
  hosts: readonly FtpHost[],
): { readonly user: string; readonly password: string } => {
  if (url.username !== '') {
    return { user: decode(text, url.username), password: decode(text, url.password) };
  }
  return entryFor(url, hosts) ?? ANONYMOUS;
};

/** Nothing that lasts is needed to log in. */
export const isAnonymous = ({ user, password }: Place): boolean =>
  user === ANONYMOUS.user && password === ANONYMOUS.password;

/**
 * `ftps` is read as `ftp`: URL puts the hosts of schemes that it knows in their usual form, and leaves the others as they are. In a path
 * `?` and `#` are characters of names; before it others would see another host than this reader, so that they are refused.
 */
const parse = (text: string): URL => {
  const [, authority, path = ''] = /^ftps?:(\/\/[^/?#]+)(\/.*)?$/is.exec(text) ?? [];
  const asFtp = `ftp:${authority ?? ''}${path.replace(/[?#]/g, encodeURIComponent)}`;
  if (authority === undefined || CONTROL.test(text) || !URL.canParse(asFtp)) {
    throw failed(text, 'is not a valid URL');
  }
  return new URL(asFtp);
};

export const placeOf = (text: string, hosts: readonly FtpHost[]): Place => {
  const url = parse(text);
  const isSecure = /^ftps/i.test(text);
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const decoded = decode(text, url.pathname.slice(1));
  const path = decoded.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (path.includes('..')) throw failed(text, 'has a ".." in its path');
  const { user, password } = loginOf(text, url, hosts);
  return {
    url: text,
    host: url.hostname,
    port,
    security: securityOf(isSecure ? 'ftps:' : 'ftp:', port),
    user,
    password,
    path,
    absolute: decoded.startsWith('/'),
  };
};

/** URL of what lies below a folder. */
export const urlBelow = (folder: string, names: readonly string[]): string => {
  return `${folder}${folder.endsWith('/') ? '' : '/'}${names.map(encodeURIComponent).join('/')}`;
};
