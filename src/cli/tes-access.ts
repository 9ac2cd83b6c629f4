/** What the `tes` command sends as credentials: those of the environment, else the login kept for this very server. */
import type { TesEnvironment } from '../config/environment.ts';
import type { Clock } from '../kernel/clock.ts';
import { isSecureUrl } from '../tasks/addresses.ts';
import { logIn, renew, revoke, type Client } from './device-flow.ts';
import { EXIT } from './exit-codes.ts';
import { changeLogin, findLogin, serverOf, type Login } from './logins.ts';
import { toJson, type Output } from './output.ts';
import { UsageError } from './program.ts';

/** A token that is about to expire is not used for a request that may take a while. */
const MARGIN_MS = 60_000;

interface Deps {
  readonly environment: Pick<TesEnvironment, 'authorization' | 'loginFile'>;
  readonly clock: Clock;
}

/** The access token of the login for a server, renewed where needed; undefined = there is no login. */
const accessToken = async (
  url: string,
  { environment, clock }: Deps,
): Promise<string | undefined> => {
  const isFresh = ({ expires }: Login): boolean => expires > clock.now() + MARGIN_MS;
  const kept = await findLogin(environment.loginFile, url);
  if (kept === undefined || isFresh(kept)) return kept?.access;
  const login = await changeLogin(environment.loginFile, url, async (now) =>
    now === undefined || isFresh(now) ? now : { ...now, ...(await renew(now, { clock })) },
  );
  return login?.access;
};

/** Asked before each request, so that a long wait outlives a token. */
export const authorizationFor =
  (url: string, deps: Deps) => async (): Promise<string | undefined> => {
    const { authorization } = deps.environment;
    if (authorization !== undefined) return authorization;
    const token = await accessToken(url, deps);
    return token === undefined ? undefined : `Bearer ${token}`;
  };

export interface LoginArguments extends Client {
  readonly url: string;
  readonly scope: string;
}

export const login = async (
  { url, issuer, clientId, scope }: LoginArguments,
  deps: Deps & { readonly output: Output },
): Promise<number> => {
  for (const address of [url, issuer]) {
    if (isSecureUrl(address)) continue;
    throw new UsageError(`${address}: tokens travel by https only, or by http on this machine`);
  }
  const { environment, clock, output } = deps;
  const signal = new AbortController().signal; // Ctrl-C ends the process
  const tokens = await logIn({ issuer, clientId, scope }, output.note, { clock, signal });
  const fresh = { url: serverOf(url), issuer, clientId, ...tokens };
  await changeLogin(environment.loginFile, url, () => fresh);
  output.note(`logged in; tes sends the token to ${serverOf(url)} and nowhere else`);
  return EXIT.ok;
};

const noLogin = (url: string): UsageError =>
  new UsageError(
    `there is no login for ${url}: tes login --url ${url} --issuer URL --client-id ID`,
  );

export const printToken = async (
  url: string,
  deps: Deps & { readonly output: Output },
): Promise<number> => {
  const token = await accessToken(url, deps);
  if (token === undefined) throw noLogin(url);
  deps.output.line(token);
  return EXIT.ok;
};

/** The login is forgotten first, so that it is gone from here whatever the issuer does. */
export const logout = async (
  { url, json }: { readonly url: string; readonly json: boolean },
  { environment, output }: Deps & { readonly output: Output },
): Promise<number> => {
  let kept: Login | undefined;
  await changeLogin(environment.loginFile, url, (now) => {
    if (now === undefined) throw noLogin(url);
    kept = now;
    return undefined;
  });
  if (kept === undefined) throw noLogin(url);
  output.note(`the login for ${kept.url} is forgotten`);
  const revoked = await revoke(kept);
  if (!revoked) output.note(`${kept.issuer} revokes no tokens: a copy holds until it expires`);
  if (json) output.line(toJson({ url: kept.url, revoked }));
  return EXIT.ok;
};
