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

export const dropLogin = (file: string, url: string): Promise<void> =>
  changeRows(file, LOGINS, (logins) => logins.filter((login) => login.url !== serverOf(url)));

export const keepLogin = (file: string, login: Login): Promise<void> =>
  changeRows(file, LOGINS, (logins) => [...logins.filter(({ url }) => url !== login.url), login]);
