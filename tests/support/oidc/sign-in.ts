/** The part of the test issuer where users sign in: authorization code with PKCE (RFC 6749, RFC 7636), for one public client. */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export const PAGE_CLIENT = 'magnetar-page';

interface Granted {
  readonly redirectUri: string;
  readonly challenge: string;
}

export interface SignInDesk {
  /** From now on codes go to this address, and the page there may fetch tokens. */
  register(redirectUri: string): void;
  /** Queries of the authorization endpoint. */
  readonly asked: URLSearchParams[];
  /** The authorization endpoint: a page with one button, which leads back with a code. */
  authorize(req: IncomingMessage, res: ServerResponse): void;
  /** What is wrong with a code that is brought to the token endpoint; each code counts once, right or wrong. */
  problemOf(form: URLSearchParams): string | undefined;
  /** CORS headers for the origin of the client's page. */
  allow(req: IncomingMessage, res: ServerResponse): void;
}

const s256 = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url');

export const createSignInDesk = (): SignInDesk => {
  const redirects = new Set<string>();
  const codes = new Map<string, Granted>();
  const asked: URLSearchParams[] = [];

  /** Where a good request leads back to, with a code. */
  const grant = (query: URLSearchParams): string | undefined => {
    const get = (name: string) => query.get(name) ?? '';
    const redirectUri = get('redirect_uri');
    const challenge = get('code_challenge');
    const isKnown = get('client_id') === PAGE_CLIENT && redirects.has(redirectUri);
    const isCode = get('response_type') === 'code';
    const isS256 = get('code_challenge_method') === 'S256' && challenge.length === 43;
    if (!isKnown || !isCode || !isS256) return undefined;
    const code = randomUUID();
    codes.set(code, { redirectUri, challenge });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', get('state'));
    return back.href;
  };

  return {
    asked,
    register(redirectUri) {
      redirects.add(redirectUri);
    },
    authorize(req, res) {
      const query = new URL(req.url ?? '', 'http://issuer').searchParams;
      asked.push(query);
      const back = grant(query)?.replaceAll('&', '&amp;');
      res.writeHead(back === undefined ? 400 : 200, { 'content-type': 'text/html' });
      res.end(
        back === undefined
          ? 'invalid_request'
          : `<!doctype html><title>Issuer</title><a id="sign-in" href="${back}">Sign in</a>`,
      );
    },
    problemOf(form) {
      const code = form.get('code') ?? '';
      const granted = codes.get(code);
      codes.delete(code);
      if (form.get('client_id') !== PAGE_CLIENT) return 'invalid_client';
      const isRight =
        granted !== undefined &&
        granted.redirectUri === form.get('redirect_uri') &&
        granted.challenge === s256(form.get('code_verifier') ?? '');
      return isRight ? undefined : 'invalid_grant';
    },
    allow(req, res) {
      const { origin } = req.headers;
      if (![...redirects].some((uri) => new URL(uri).origin === origin)) return;
      res.setHeader('access-control-allow-origin', origin ?? '');
      res.setHeader('access-control-allow-headers', 'content-type, x-requested-with');
    },
  };
};
