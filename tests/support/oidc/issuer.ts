/** A small OpenID issuer on loopback: discovery, keys that rotate, tokens, introspection, device flow, authorization code with PKCE. Started, stopped and started again on one port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createSignInDesk, type SignInDesk } from './sign-in.ts';

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface TokenWish {
  readonly issuer?: string;
  readonly audience?: string | readonly string[];
  /** Undefined in `claims` = left out. */
  readonly subject?: string;
  /** Seconds from now. */
  readonly expiresIn?: number;
  readonly notBeforeIn?: number;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** A name in the header that is not that of the key. */
  readonly kid?: string;
}

export interface TestIssuer {
  /** As in its tokens. */
  readonly url: string;
  /** Requests by path, since the start. */
  count(path: string): number;
  /** A signed access token. */
  token(wish?: TokenWish): Promise<string>;
  /** From now on signs with a new key; the old one is shown no more. */
  rotate(): Promise<void>;
  /** The public key that it shows. */
  publicJwk(): JWK;
  /** What introspection answers for an opaque token; others are inactive. */
  introspects(token: string, claims: Readonly<Record<string, unknown>>): void;
  /** Answers of the token endpoint, in order; then success. */
  deviceAnswers(...errors: readonly string[]): void;
  /** Seconds for which the next access tokens hold. */
  tokenLife(seconds: number): void;
  /** Shows an address that revokes tokens, which answers so from now on. */
  revokes(status: number): void;
  readonly signIn: SignInDesk;
  /** Bodies posted to the token, device and revocation endpoints. */
  readonly posted: URLSearchParams[];
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

export const CLIENT = { id: 'magnetar-server', secret: 's3cret/with:odd characters' } as const;
export const AUDIENCE = 'magnetar';

const newKey = async (n: number): Promise<Key> => {
  const kid = `key-${String(n)}`;
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
  };
};

const bodyOf = async (req: IncomingMessage): Promise<URLSearchParams> => {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  return new URLSearchParams(Buffer.concat(pieces).toString('utf8'));
};

const send = (res: ServerResponse, status: number, body: object): void => {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(body));
};

const CLIENT_AUTHORIZATION = `Basic ${Buffer.from(
  `${encodeURIComponent(CLIENT.id)}:${encodeURIComponent(CLIENT.secret)}`,
).toString('base64')}`;

const listen = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

export const startIssuer = async (): Promise<TestIssuer> => {
  let keys = 1;
  let key = await newKey(keys);
  let port = 0;
  let refresh = 0;
  let life = 300;
  let revocation = 0;
  const counts = new Map<string, number>();
  const opaque = new Map<string, Readonly<Record<string, unknown>>>();
  const errors: string[] = [];
  const posted: URLSearchParams[] = [];
  const signIn = createSignInDesk();
  const url = () => `http://127.0.0.1:${String(port)}/realms/lab`;

  const token: TestIssuer['token'] = (wish = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const jwt = new SignJWT({ ...wish.claims })
      .setProtectedHeader({ alg: 'ES256', kid: wish.kid ?? key.kid })
      .setIssuer(wish.issuer ?? url())
      .setIssuedAt(now)
      .setSubject(wish.subject ?? 'alice');
    const audience = wish.audience ?? AUDIENCE;
    jwt.setAudience(typeof audience === 'string' ? audience : [...audience]);
    jwt.setExpirationTime(now + (wish.expiresIn ?? 300));
    if (wish.notBeforeIn !== undefined) jwt.setNotBefore(now + wish.notBeforeIn);
    return jwt.sign(key.privateKey);
  };

  const tokens = async () => {
    refresh += 1;
    return {
      access_token: await token({ expiresIn: life, claims: { jti: String(refresh) } }),
      token_type: 'Bearer',
      expires_in: life,
      refresh_token: `refresh-${String(refresh)}`,
    };
  };

  const routes: Readonly<
    Record<string, (req: IncomingMessage, res: ServerResponse) => Promise<void> | void>
  > = {
    '/realms/lab/.well-known/openid-configuration': (_req, res) => {
      send(res, 200, {
        issuer: url(),
        jwks_uri: `${url()}/keys`,
        authorization_endpoint: `${url()}/authorize`,
        token_endpoint: `${url()}/token`,
        introspection_endpoint: `${url()}/introspect`,
        device_authorization_endpoint: `${url()}/device`,
        ...(revocation === 0 ? {} : { revocation_endpoint: `${url()}/revoke` }),
      });
    },
    '/realms/lab/keys': (_req, res) => {
      send(res, 200, { keys: [key.jwk] });
    },
    '/realms/lab/introspect': async (req, res) => {
      if (req.headers.authorization !== CLIENT_AUTHORIZATION) {
        send(res, 401, { error: 'invalid_client' });
        return;
      }
      const claims = opaque.get((await bodyOf(req)).get('token') ?? '');
      send(res, 200, claims === undefined ? { active: false } : { active: true, ...claims });
    },
    '/realms/lab/revoke': async (req, res) => {
      posted.push(await bodyOf(req));
      res.writeHead(revocation).end(); // RFC 7009: nothing is said
    },
    '/realms/lab/device': async (req, res) => {
      posted.push(await bodyOf(req));
      send(res, 200, {
        device_code: 'device-code',
        user_code: 'WDJB-MJHT',
        verification_uri: `${url()}/activate`,
        verification_uri_complete: `${url()}/activate?user_code=WDJB-MJHT`,
        expires_in: 600,
        interval: 0,
      });
    },
    '/realms/lab/authorize': (req, res) => {
      signIn.authorize(req, res);
    },
    '/realms/lab/token': async (req, res) => {
      signIn.allow(req, res);
      if (req.method === 'OPTIONS') {
        res.writeHead(204).end();
        return;
      }
      const form = await bodyOf(req);
      posted.push(form);
      const error =
        form.get('grant_type') === 'authorization_code' ? signIn.problemOf(form) : errors.shift();
      if (error === undefined) send(res, 200, await tokens());
      else send(res, 400, { error });
    },
  };

  const create = (): Server =>
    createServer((req, res) => {
      const [path = ''] = (req.url ?? '').split('?');
      counts.set(path, (counts.get(path) ?? 0) + 1);
      const route = routes[path];
      if (route === undefined) send(res, 404, { error: 'not_found' });
      else void route(req, res);
    });
  let server = create();
  port = await listen(server, 0);

  return {
    get url() {
      return url();
    },
    count: (path) => counts.get(`/realms/lab${path}`) ?? 0,
    token,
    async rotate() {
      keys += 1;
      key = await newKey(keys);
    },
    publicJwk: () => key.jwk,
    introspects(text, claims) {
      opaque.set(text, claims);
    },
    deviceAnswers(...wanted) {
      errors.push(...wanted);
    },
    tokenLife(seconds) {
      life = seconds;
    },
    revokes(status) {
      revocation = status;
    },
    signIn,
    posted,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async start() {
      server = create();
      await listen(server, port);
    },
  };
};
