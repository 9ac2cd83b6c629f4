/** The gate before all routes: which networks may call, and who calls. A path that is not in the table below needs a caller. */
import type { Request, Response } from 'express';
import type { Access } from '../access/access.ts';
import { MagnetarError } from '../kernel/errors.ts';
import { isAllowedHost } from '../tasks/addresses.ts';
import type { Callers } from './callers.ts';
import { queryOf } from './list-query.ts';

export interface AccessDeps extends Access {
  /** Lower case; where a token may be besides Authorization. Empty = nowhere, like the next. */
  readonly tokenHeader: string;
  readonly tokenParameter: string;
  /** Addresses and ranges; empty = every network. */
  readonly networks: readonly string[];
}

/** Besides the root (C1). */
export const PREFIXES = ['/ga4gh/tes/v1', '/v1'] as const;

/** For anybody: what the server says of itself (T7), its page, and what is signed by the key of a job. */
const PUBLIC = new Set([
  ...['/', '/openapi.json', '/ext/v1/openapi.json', '/healthz', '/readyz'],
  ...['', ...PREFIXES].flatMap((prefix) => [
    `${prefix}/service-info`,
    `${prefix}/tasks/service-info`,
  ]),
]);
const PUBLIC_BELOW = ['/docs/', '/files/'];

/** For every network: hosts of jobs and health checks may be elsewhere than users. */
const FROM_ANYWHERE = ['/files/', '/healthz', '/readyz'];

const isBelow = (path: string, starts: readonly string[]): boolean =>
  starts.some((start) => path.startsWith(start));

const isPublic = (path: string): boolean => PUBLIC.has(path) || isBelow(path, PUBLIC_BELOW);

/** A header or parameter that is there twice holds no token. */
const onlyOne = (found: readonly string[]): string | undefined =>
  found.length > 1 ? '' : found[0];

/** Takes the parameter out of the URL, so that nobody who logs or quotes it later meets the token. */
const cutParameter = (req: Request, name: string): string | undefined => {
  if (name === '' || !req.url.includes('?')) return undefined;
  const query = queryOf(req);
  const found = query.getAll(name);
  if (found.length === 0) return undefined;
  query.delete(name);
  const rest = query.toString();
  req.url = `${req.url.slice(0, req.url.indexOf('?'))}${rest === '' ? '' : `?${rest}`}`;
  req.originalUrl = req.url;
  return onlyOne(found);
};

const headerOf = (req: Request, name: string): string | undefined => {
  const found = name === '' ? undefined : req.headers[name];
  return typeof found === 'string' || found === undefined ? found : onlyOne(found);
};

export interface Gate {
  /** Cuts the token out of the URL, then judges network and credentials. @throws MagnetarError NETWORK_REFUSED and those of Authenticate */
  enter(req: Request, res: Response): Promise<void>;
}

export const createAccessGate = (deps: AccessDeps, callers: Callers): Gate => {
  const { authenticate, tokenHeader, tokenParameter, networks } = deps;

  const assertNetwork = ({ ip = '', path }: Request): void => {
    if (networks.length === 0 || isBelow(path, FROM_ANYWHERE)) return;
    if (isAllowedHost(ip, networks)) return;
    throw new MagnetarError('NETWORK_REFUSED', 'callers of this network are not answered');
  };

  return {
    async enter(req, res) {
      const parameter = cutParameter(req, tokenParameter);
      assertNetwork(req);
      if (isPublic(req.path)) return;
      const token = headerOf(req, tokenHeader) ?? parameter;
      const { authorization } = req.headers;
      callers.set(res, await authenticate({ authorization, token }));
    },
  };
};
