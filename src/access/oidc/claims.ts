/** What the claims of a token must say, and whom they name. Pure. */
import { errors } from 'jose';
import type { Identity } from '../identity.ts';

export interface ClaimRules {
  /** Exactly as in its tokens. */
  readonly issuer: string;
  /** One of them must be in the token. */
  readonly audiences: readonly string[];
  readonly clockSkewS: number;
  /** Claim with the groups of a user; may be a path such as `realm_access.roles`. Empty = none. */
  readonly groupsClaim: string;
}

/** Why a token is refused, for its bearer. */
export class TokenProblem extends Error {
  override readonly name = 'TokenProblem';
}

/** Of a signed token, or as the issuer told them. */
export type Claims = Readonly<Record<string, unknown>>;

const MOST_SUBJECT = 255;

const memberOf = (node: unknown, name: string): unknown =>
  typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? Reflect.get(node, name)
    : undefined;

/** Names of claims may hold dots themselves: some are URLs. */
const claimAt = (claims: Claims, path: string): unknown =>
  Object.hasOwn(claims, path) ? claims[path] : path.split('.').reduce<unknown>(memberOf, claims);

/** One group may come as a text. */
const groupsOf = (claims: Claims, path: string): readonly string[] => {
  if (path === '') return [];
  const found = claimAt(claims, path);
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  return list.filter((item): item is string => typeof item === 'string' && item !== '');
};

/** @throws TokenProblem */
export const identityOf = (claims: Claims, { issuer, groupsClaim }: ClaimRules): Identity => {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > MOST_SUBJECT) {
    throw new TokenProblem('the token names no subject');
  }
  return { key: `${issuer}|${sub}`, groups: groupsOf(claims, groupsClaim) };
};

/** RFC 7519, 2: seconds. */
const isTimeOrAbsent = (claim: unknown): boolean =>
  claim === undefined || claim === null || typeof claim === 'number';

/**
 * The same that a library checks of a signed token, for claims that the issuer told.
 * @throws TokenProblem
 */
export const assertClaims = (claims: Claims, rules: ClaimRules, now: number): void => {
  const { aud, iss, exp, nbf } = claims;
  const meant: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!meant.some((one) => typeof one === 'string' && rules.audiences.includes(one))) {
    throw new TokenProblem('the token is for another audience');
  }
  if (iss !== undefined && iss !== rules.issuer) {
    throw new TokenProblem('the token is of another issuer');
  }
  const seconds = now / 1000;
  if (![exp, nbf].every(isTimeOrAbsent)) throw new TokenProblem('the times of the token are none');
  if (typeof exp === 'number' && exp + rules.clockSkewS <= seconds) {
    throw new TokenProblem('the token has expired');
  }
  if (typeof nbf === 'number' && nbf - rules.clockSkewS > seconds) {
    throw new TokenProblem('the token is not valid yet');
  }
};

const REASONS: Readonly<Record<string, string>> = {
  [errors.JWTExpired.code]: 'the token has expired',
  [errors.JWSSignatureVerificationFailed.code]: 'the signature of the token is wrong',
  [errors.JOSEAlgNotAllowed.code]: 'tokens signed by this algorithm are not taken',
  [errors.JWKSNoMatchingKey.code]: 'the issuer has no such key',
};

const CLAIM_REASONS: Readonly<Record<string, string>> = {
  aud: 'the token is for another audience',
  iss: 'the token is of another issuer',
  nbf: 'the token is not valid yet',
};

/** Whatever a token makes the library throw, it is the token's fault. */
export const problemOf = (error: unknown): TokenProblem => {
  if (error instanceof TokenProblem) return error;
  const claim = error instanceof errors.JWTClaimValidationFailed ? error.claim : '';
  const code = error instanceof errors.JOSEError ? error.code : '';
  return new TokenProblem(CLAIM_REASONS[claim] ?? REASONS[code] ?? 'the token cannot be verified');
};
