/** Judges the tokens of one configured issuer: signed ones by its keys, opaque ones by asking it. */
import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import { isMagnetarError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { createTurns } from '../../kernel/turns.ts';
import type { Identity } from '../identity.ts';
import type { Found } from '../remembered.ts';
import { fetchJson } from './fetch-json.ts';
import { assertClaims, identityOf, problemOf, type ClaimRules, type Claims } from './claims.ts';
import { createIssuerSource, type IssuerSource, type IssuerState } from './issuer-state.ts';
import { createSignIn, type SignIn, type SignInOptions } from './sign-in.ts';

export interface IssuerOptions extends ClaimRules {
  /** Asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** How this server asks about opaque tokens (RFC 7662); absent = it does not. */
  readonly introspection?: { readonly clientId: string; readonly clientSecret: string };
  /** How users sign in on the page; absent = they do not. */
  readonly page?: SignInOptions;
}

export interface Issuer {
  readonly issuer: string;
  readonly introspects: boolean;
  readonly signIn: SignIn | undefined;
  /** @throws TokenProblem, MagnetarError ISSUER_UNAVAILABLE */
  verify(token: string): Promise<Found<Identity>>;
  /** Undefined = the issuer does not know the token. @throws like verify */
  introspect(token: string): Promise<Found<Identity> | undefined>;
}

/** A result is looked up again after this, so that a token that was called back does not serve for long. */
const REMEMBER_MS = 60_000;
const ASKING_AT_ONCE = 8;
const ASKING_WAIT = 100;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof errors.JOSEError && error.code === code;

/** RFC 6749, 2.3.1: user and password are form-encoded first. */
const clientAuthorization = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long claims count. */
const foundOf = (claims: Claims, options: IssuerOptions, now: number): Found<Identity> => {
  const { exp } = claims;
  const end =
    typeof exp === 'number' ? (exp + options.clockSkewS) * 1000 : Number.POSITIVE_INFINITY;
  return { value: identityOf(claims, options), until: Math.min(end, now + REMEMBER_MS) };
};

const createVerify = (options: IssuerOptions, source: IssuerSource, { clock }: Deps) => {
  const payloadOf = async (token: string, { keys }: IssuerState): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, keys, {
      issuer: options.issuer,
      audience: [...options.audiences],
      algorithms: [...options.algorithms],
      clockTolerance: options.clockSkewS,
      requiredClaims: ['exp'],
      currentDate: new Date(clock.now()),
    });
    return payload;
  };

  /** Once more with the issuer's newest keys, where the last ones do not have the wanted one. */
  const verified = async (token: string): Promise<JWTPayload> => {
    try {
      return await payloadOf(token, await source.current());
    } catch (error) {
      if (!hasCode(error, errors.JWKSNoMatchingKey.code)) throw error;
      return payloadOf(token, await source.renewed());
    }
  };

  return async (token: string): Promise<Found<Identity>> => {
    try {
      return foundOf(await verified(token), options, clock.now());
    } catch (error) {
      if (isMagnetarError(error)) throw error;
      throw problemOf(error);
    }
  };
};

const createIntrospect = (options: IssuerOptions, source: IssuerSource, { clock }: Deps) => {
  const turns = createTurns(ASKING_AT_ONCE, ASKING_WAIT);
  const { clientId, clientSecret } = options.introspection ?? { clientId: '', clientSecret: '' };

  const ask = async (token: string): Promise<Claims> => {
    const { endpoint } = await source.current();
    const request = {
      authorization: clientAuthorization(clientId, clientSecret),
      form: { token, token_type_hint: 'access_token' },
    };
    const { status, body } = await turns.run(() =>
      fetchJson(endpoint('introspection_endpoint'), request),
    );
    if (status !== 200) throw new Error(`the introspection endpoint answers ${String(status)}`);
    return body;
  };

  return async (token: string): Promise<Found<Identity> | undefined> => {
    const claims = await ask(token);
    if (claims['active'] !== true) return undefined;
    assertClaims(claims, options, clock.now());
    return foundOf(claims, options, clock.now());
  };
};

export const createIssuer = (options: IssuerOptions, deps: Deps): Issuer => {
  const { issuer, introspection, page } = options;
  const source = createIssuerSource({ issuer, ...deps });
  return {
    issuer,
    introspects: introspection !== undefined,
    signIn: page && createSignIn(issuer, page, source, deps),
    verify: createVerify(options, source, deps),
    introspect: createIntrospect(options, source, deps),
  };
};
