/** API tokens: random, shown once, kept as SHA-256 in a file that `magnetar token` writes. */
import { hash as digest, randomBytes, timingSafeEqual } from 'node:crypto';
import { MagnetarError } from '../kernel/errors.ts';
import { isRecord } from '../kernel/json.ts';
import { isLocalName } from './identity.ts';
import { changeRows, readRows } from './private-file.ts';
import { formOf } from './rows.ts';

export interface ApiToken {
  /** Part of the token; what it is revoked by. */
  readonly id: string;
  /** On whose behalf it acts. */
  readonly name: string;
  /** SHA-256 of the whole token: 32 random bytes need no slow hash. */
  readonly hash: string;
  /** RFC 3339. */
  readonly created: string;
}

const FORM = /^mag_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const HASH = /^[0-9a-f]{64}$/;

const isApiTokenRow = (value: unknown): value is ApiToken =>
  isRecord(value) &&
  ['id', 'name', 'created'].every((name) => typeof value[name] === 'string') &&
  typeof value['hash'] === 'string' &&
  HASH.test(value['hash']);

export const TOKENS = formOf('tokens', isApiTokenRow);

const hashOf = (token: string): Buffer => digest('sha256', token, 'buffer');

/** The id in a text that has the form of an API token. */
export const apiTokenId = (text: string): string | undefined => FORM.exec(text)?.[1];

export const isApiToken = (token: string, { hash }: ApiToken): boolean =>
  timingSafeEqual(hashOf(token), Buffer.from(hash, 'hex'));

/** Answers the token, which cannot be had again. */
export const createApiToken = async (
  path: string,
  { name, created }: Pick<ApiToken, 'name' | 'created'>,
): Promise<string> => {
  if (!isLocalName(name)) {
    throw new MagnetarError('CONFIG_INVALID', 'a name has 1 to 63 letters, digits, _, ., @ or -');
  }
  const id = randomBytes(6).toString('hex');
  const token = `mag_${id}_${randomBytes(32).toString('base64url')}`;
  const row = { id, name, hash: hashOf(token).toString('hex'), created };
  await changeRows(path, TOKENS, (rows) => [...rows, row]);
  return token;
};

export const revokeApiToken = (path: string, id: string): Promise<void> =>
  changeRows(path, TOKENS, (rows) => {
    const left = rows.filter((row) => row.id !== id);
    if (left.length < rows.length) return left;
    throw new MagnetarError('CONFIG_INVALID', `there is no token ${id}; see magnetar token list`);
  });

export const listApiTokens = (path: string): Promise<readonly ApiToken[]> => readRows(path, TOKENS);
