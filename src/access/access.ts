/** All that a configuration makes of access: who judges credentials, and which ways in a page may offer. */
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { createAuthenticate, type Authenticate, type Judges } from './authenticate.ts';
import { createIssuer, type IssuerOptions } from './oidc/issuer.ts';
import type { SignIn } from './oidc/sign-in.ts';

/** No key = no authentication, as for the judges. */
export interface AccessOptions extends Omit<Judges, 'issuers'> {
  readonly issuers?: readonly IssuerOptions[];
}

/** Nothing is offered where there is no authentication. */
export interface Offers {
  readonly basic: boolean;
  readonly bearer: boolean;
  readonly signIns: readonly SignIn[];
}

export interface Access {
  readonly authenticate: Authenticate;
  readonly offers: Offers;
}

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export const createAccess = ({ issuers: options, ...local }: AccessOptions, deps: Deps): Access => {
  const issuers = options?.map((one) => createIssuer(one, deps));
  const judges = issuers === undefined ? local : { ...local, issuers };
  return {
    authenticate: createAuthenticate(judges, deps),
    offers: {
      basic: local.basic !== undefined,
      bearer: local.tokens !== undefined || issuers !== undefined,
      signIns: (issuers ?? []).flatMap(({ signIn }) => signIn ?? []),
    },
  };
};
