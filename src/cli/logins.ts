/** Logins that `tes login` keeps for later commands: one for each server, in a file that only its user reads. */
import { formOf } from '../access/rows.ts';
import { changeRows, readRows } from '../access/private-file.ts';
import { isRecord } from '../kernel/json.ts';

export interface Tokens {
  readonly access: string;
  /** Absent = a new login is needed when `access` has expired. */
  readonly refresh?: string;
  /** Wall clock, milliseconds. */
  readonly expires: number;
}

export interface Login extends Tokens {
  /** The server that it is for; its tokens go nowhere else. */
  readonly url: string;
  readonly issuer: string;
  readonly clientId: string;
}

const isLogin = (value: unknown): value is Login =>
  isRecord(value) &&
  ['url', 'issuer', 'clientId', 'access'].every((name) => typeof value[name] === 'string') &&
  ['string', 'undefined'].includes(typeof value['refresh']) &&
  typeof value['expires'] === 'number';

const LOGINS = formOf('logins', isLogin);

/** One spelling of an address. */
export const serverOf = (url: string): string => url.replace(/\/+$/, '');

export const findLogin = async (file: string, url: string): Promise<Login | undefined> =>
  (await readRows(file, LOGINS)).find((login) => login.url === serverOf(url));

/** An issuer may take a while to renew a token. */
const MOST_WAIT_MS = 30_000;

/**
 * Replaces the login for a server by what `change` makes of it, while other commands wait: a refresh token may be good for one
 * use only, and a login that is forgotten must not come back. Answers the new one.
 */
export const changeLogin = async (
  file: string,
  url: string,
  change: (login: Login | undefined) => Login | undefined | Promise<Login | undefined>,
): Promise<Login | undefined> => {
  const server = serverOf(url);
  let changed: Login | undefined;
  const replace = async (logins: readonly Login[]): Promise<readonly Login[]> => {
    changed = await change(logins.find((login) => login.url === server));
    const others = logins.filter((login) => login.url !== server);
    return changed === undefined ? others : [...others, changed];
  };
  await changeRows(file, LOGINS, replace, MOST_WAIT_MS);
  return changed;
};
