/** How a page signs users in at an issuer: authorization code with PKCE (RFC 7636), by a public client. */
import type { Clock } from '../../kernel/clock.ts';
import { isMagnetarError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { IssuerSource, IssuerState } from './issuer-state.ts';

export interface SignInOptions {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface SignInEndpoints {
  readonly authorization: string;
  readonly token: string;
}

export interface SignIn extends SignInOptions {
  readonly issuer: string;
  /** Undefined = not now: the issuer is down, or does not tell them. */
  endpoints(): Promise<SignInEndpoints | undefined>;
}

/** A page does not wait longer for an issuer that does not answer. */
const PATIENCE_MS = 2000;

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

const soon = async (source: IssuerSource, clock: Clock): Promise<IssuerState | undefined> => {
  const enough = new AbortController();
  try {
    const late = clock.sleep(PATIENCE_MS, enough.signal).then(() => undefined);
    return await Promise.race([source.current(), late]);
  } finally {
    enough.abort();
  }
};

export const createSignIn = (
  issuer: string,
  options: SignInOptions,
  source: IssuerSource,
  { clock, logger }: Deps,
): SignIn => ({
  issuer,
  ...options,
  async endpoints() {
    try {
      const state = await soon(source, clock);
      return (
        state && {
          authorization: state.endpoint('authorization_endpoint'),
          token: state.endpoint('token_endpoint'),
        }
      );
    } catch (error) {
      if (!isMagnetarError(error)) {
        logger.warn('an issuer tells no way to sign in', { issuer, error });
      }
      return undefined;
    }
  },
});
