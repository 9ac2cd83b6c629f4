/** Without authentication only known Host names are answered; web pages of foreign origins are always refused, for browsers keep passwords (DESIGN section 9). */
import type { Request, Response } from 'express';
import { MagnetarError } from '../kernel/errors.ts';
import { isLoopback } from '../tasks/addresses.ts';

export interface GuardOptions {
  /** Names, with or without port, answered besides those of this machine itself; `any` where every call needs credentials. */
  readonly allowedHosts: readonly string[] | 'any';
  /** Origins of web pages that may use the API, such as `https://portal.example.org` (T11). */
  readonly allowedOrigins: readonly string[];
  /** A header that web pages may send as well; empty = none. */
  readonly tokenHeader: string;
}

const hostName = (host: string): string => host.replace(/:\d*$/, '');

/** The usual names of this machine; others are judged by their address. */
const USUAL = ['127.0.0.1', 'localhost', '[::1]'];

const createHostRule = (allowed: GuardOptions['allowedHosts']) => {
  if (allowed === 'any') return () => true;
  const names = new Set([...USUAL, ...allowed.map((name) => name.toLowerCase())]);
  return (host: string): boolean =>
    names.has(host) || names.has(hostName(host)) || isLoopback(hostName(host));
};

/** Open to any Host and Origin: signed by the key of a job, or telling nothing. */
const OPEN = ['/files/', '/healthz', '/readyz'];

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, Prefer, X-Request-Id',
  'access-control-max-age': '600',
} as const;

const allowOrigin = (res: Response, origin: string): void => {
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('access-control-expose-headers', 'Preference-Applied, Retry-After, X-Request-Id');
  res.vary('Origin');
};

const isPreflight = (req: Request): boolean =>
  req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined;

const endPreflight = (res: Response, tokenHeader: string): void => {
  for (const [name, value] of Object.entries(PREFLIGHT)) res.setHeader(name, value);
  if (tokenHeader !== '') res.appendHeader('access-control-allow-headers', tokenHeader);
  res.statusCode = 204;
  res.end();
};

/**
 * Whether a request may go on; `false` = it was a preflight, and is answered.
 * @throws MagnetarError HOST_REFUSED, ORIGIN_REFUSED
 */
export const createGuard = (options: GuardOptions) => {
  const isKnownHost = createHostRule(options.allowedHosts);
  const origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase()));
  return (req: Request, res: Response): boolean => {
    if (OPEN.some((start) => req.url.startsWith(start))) return true;
    const host = (req.headers.host ?? '').toLowerCase();
    if (!isKnownHost(host)) {
      throw new MagnetarError(
        'HOST_REFUSED',
        'this Host name is not answered; add it to allowed_hosts under [server]',
      );
    }
    const origin = req.headers.origin?.toLowerCase();
    if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) {
      return true;
    }
    if (!origins.has(origin)) {
      throw new MagnetarError('ORIGIN_REFUSED', 'requests of web pages of this origin are refused');
    }
    allowOrigin(res, origin);
    if (!isPreflight(req)) return true;
    endPreflight(res, options.tokenHeader);
    return false;
  };
};
