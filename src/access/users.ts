/** Users with passwords, in a file that `magnetar user` writes. */
import { MagnetarError } from '../kernel/errors.ts';
import { isRecord } from '../kernel/json.ts';
import { isLocalName } from './identity.ts';
import { hashPassword, isPasswordHash } from './passwords.ts';
import { changeRows, readRows } from './private-file.ts';
import { formOf } from './rows.ts';

export interface User {
  readonly name: string;
  readonly hash: string;
  /** RFC 3339. */
  readonly created: string;
}

const isUser = (value: unknown): value is User =>
  isRecord(value) &&
  typeof value['name'] === 'string' &&
  typeof value['created'] === 'string' &&
  typeof value['hash'] === 'string' &&
  isPasswordHash(value['hash']);

export const USERS = formOf('users', isUser);

/** NIST SP 800-63B, 5.1.1.2. */
const LEAST_CHARACTERS = 8;
const MOST_CHARACTERS = 1024;

const refuse = (message: string): never => {
  throw new MagnetarError('CONFIG_INVALID', message);
};

/** A user who is there already gets the new password. */
export const addUser = async (
  path: string,
  { name, password, created }: Omit<User, 'hash'> & { readonly password: string },
): Promise<void> => {
  if (!isLocalName(name)) refuse('a user name has 1 to 63 letters, digits, _, ., @ or -');
  if (password.length < LEAST_CHARACTERS || password.length > MOST_CHARACTERS) {
    refuse(`a password has at least ${String(LEAST_CHARACTERS)} characters`);
  }
  const user = { name, hash: await hashPassword(password), created };
  await changeRows(path, USERS, (users) => [...users.filter((one) => one.name !== name), user]);
};

export const removeUser = (path: string, name: string): Promise<void> =>
  changeRows(path, USERS, (users) => {
    const left = users.filter((user) => user.name !== name);
    return left.length < users.length ? left : refuse(`there is no user ${name}`);
  });

export const listUsers = (path: string): Promise<readonly User[]> => readRows(path, USERS);
