/** Who calls: one credential in, one principal out, by the modes that are configured. */
import { decodeJwt } from 'jose';
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { ANYBODY, type Principal } from '../tasks/principal.ts';
import { readCredential, type Credential, type Credentials } from './credentials.ts';
import { localIdentity, type Identity } from './identity.ts';
import { TokenProblem } from './oidc/claims.ts';
import type { Issuer } from './oidc/issuer.ts';
import { createCheckPassword, DECOY } from './passwords.ts';
import { followRows } from './private-file.ts';
import { createRemembered } from './remembered.ts';
import { createRoles, type RoleRules } from './roles.ts';
import { apiTokenId, isApiToken, TOKENS } from './tokens.ts';
import { USERS } from './users.ts';

/** No key = no authentication: everybody is the same anybody, and whatever clients send is ignored. */
export interface Judges {
  readonly basic?: { readonly file: string };
  readonly tokens?: { readonly file: string };
  readonly issuers?: readonly Issuer[];
  readonly roles: RoleRules;
}

/** @throws MagnetarError UNAUTHENTICATED, ISSUER_UNAVAILABLE, OVERLOADED */
export type Authenticate = (given: Credentials) => Promise<Principal>;

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A credential that fails says why, as far as its bearer may know. */
type Check<Kind extends Credential['kind']> = (
  credential: Extract<Credential, { kind: Kind }>,
) => Promise<Identity>;

const REMEMBER_MS = 60_000;

const reject = (reason: string): never => {
  throw new TokenProblem(reason);
};

const createBasic = (file: string, { clock, logger }: Deps): Check<'basic'> => {
  const users = followRows({
    path: file,
    form: USERS,
    index: (rows) =>
      new Map(rows.map(({ name, hash }) => [name, { hash, identity: localIdentity(name) }])),
    clock,
    logger,
  });
  const check = createCheckPassword();
  const results = createRemembered<boolean>(clock);
  return async ({ user, password }) => {
    const known = (await users()).get(user);
    const hash = known?.hash ?? DECOY;
    const isRight = await results.through([hash, user, password].join('\0'), async () => ({
      value: await check(password, hash),
      until: clock.now() + REMEMBER_MS,
    }));
    return isRight && known !== undefined ? known.identity : reject('user or password is wrong');
  };
};

const createTokens = (file: string, { clock, logger }: Deps) => {
  const tokens = followRows({
    path: file,
    form: TOKENS,
    index: (rows) =>
      new Map(rows.map((row) => [row.id, { row, identity: localIdentity(row.name) }])),
    clock,
    logger,
  });
  return async (id: string, token: string): Promise<Identity> => {
    const known = (await tokens()).get(id);
    return known !== undefined && isApiToken(token, known.row)
      ? known.identity
      : reject('the API token is unknown or revoked');
  };
};

/** What a token says of its issuer; believed no further than to choose among the configured ones. */
const issuerNamed = (token: string): string | undefined => {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
};

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

const createOidc = (issuers: readonly Issuer[], deps: Deps) => {
  const verified = createRemembered<Identity>(deps.clock);
  const introspected = createRemembered<Identity | undefined>(deps.clock);

  /** A token that is remembered is not even decoded. */
  const verify = (token: string): Promise<Identity> =>
    verified.through(token, async () => {
      const named = issuerNamed(token);
      const issuer = issuers.find((one) => one.issuer === named);
      return issuer === undefined
        ? reject('the token is of an issuer that is not configured')
        : issuer.verify(token);
    });

  const ask = (issuer: Issuer, token: string): Promise<Identity | undefined> =>
    introspected.through(`${issuer.issuer}\0${token}`, async () => {
      const nothing = { value: undefined, until: deps.clock.now() + REMEMBER_MS };
      try {
        return (await issuer.introspect(token)) ?? nothing;
      } catch (error) {
        if (error instanceof TokenProblem || error instanceof MagnetarError) throw error;
        deps.logger.warn('an issuer does not judge a token', { issuer: issuer.issuer, error });
        throw new MagnetarError(
          'ISSUER_UNAVAILABLE',
          `the issuer ${issuer.issuer} does not answer; try again`,
          { headers: { 'retry-after': '5' } },
        );
      }
    });

  return async (token: string): Promise<Identity> => {
    if (JWT.test(token)) return verify(token);
    for (const issuer of issuers.filter(({ introspects }) => introspects)) {
      const identity = await ask(issuer, token);
      if (identity !== undefined) return identity;
    }
    return reject('the token is unknown');
  };
};

const createBearer = ({ tokens, issuers }: Judges, deps: Deps): Check<'bearer'> => {
  const local = tokens === undefined ? undefined : createTokens(tokens.file, deps);
  const oidc = issuers === undefined ? undefined : createOidc(issuers, deps);
  return ({ token }) => {
    const id = apiTokenId(token);
    if (id !== undefined && local !== undefined) return local(id, token);
    return oidc?.(token) ?? reject('the token is unknown');
  };
};

const REALM = 'realm="Magnetar"';

/** RFC 6750, 3: a request without a token gets no error code. */
const challengeOf = ({ basic, tokens, issuers }: Judges, reason: string | undefined): string =>
  [
    ...(tokens === undefined && issuers === undefined
      ? []
      : [
          `Bearer ${REALM}${reason === undefined ? '' : `, error="invalid_token", error_description="${reason}"`}`,
        ]),
    ...(basic === undefined ? [] : [`Basic ${REALM}, charset="UTF-8"`]),
  ].join(', ');

const isOpen = ({ basic, tokens, issuers }: Judges): boolean =>
  [basic, tokens, issuers].every((mode) => mode === undefined);

export const createAuthenticate = (options: Judges, deps: Deps): Authenticate => {
  if (isOpen(options)) return () => Promise.resolve(ANYBODY);
  const principalOf = createRoles(options.roles);
  const bearer = createBearer(options, deps);
  const basic = options.basic === undefined ? undefined : createBasic(options.basic.file, deps);

  const refuse = (message: string, reason?: string): MagnetarError =>
    new MagnetarError('UNAUTHENTICATED', message, {
      headers: { 'www-authenticate': challengeOf(options, reason) },
    });

  const identify = async (credential: Credential): Promise<Identity> => {
    switch (credential.kind) {
      case 'absent':
        throw refuse('this server needs credentials');
      case 'unreadable':
        return reject('the credentials cannot be read');
      case 'basic':
        return basic === undefined ? reject('this server takes no passwords') : basic(credential);
      case 'bearer':
        return bearer(credential);
    }
  };

  return async (given) => {
    const credential = readCredential(given);
    try {
      return principalOf(await identify(credential));
    } catch (error) {
      if (!(error instanceof TokenProblem)) throw error;
      throw refuse(error.message, credential.kind === 'basic' ? undefined : error.message);
    }
  };
};
