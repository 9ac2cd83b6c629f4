/** How many requests one caller may make in a minute; more are answered 429 with the time to wait. */
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { MagnetarError } from '../kernel/errors.ts';
import type { Callers } from './callers.ts';

/** For each minute; 0 = no limit. */
export interface Rates {
  readonly reads: number;
  readonly writes: number;
}

const MINUTE_MS = 60_000;

/** Jobs and health checks are not callers. */
const EXEMPT = ['/files/', '/healthz', '/readyz'];

const isWrite = (req: Request): boolean => req.method === 'POST';

const KINDS: Readonly<Record<keyof Rates, (req: Request) => boolean>> = {
  reads: (req) => !isWrite(req),
  writes: isWrite,
};

/** Without authentication everybody is one and the same caller, so the address counts; of IPv6 the network. */
const keyOf = (callers: Callers, req: Request, res: Response): string => {
  const owner = callers.find(res)?.owner ?? '';
  return owner === '' ? ipKeyGenerator(req.ip ?? '') : `owner ${owner}`;
};

/** Counts are of this process. */
export const createRates = (rates: Rates, callers: Callers): readonly RequestHandler[] =>
  (['reads', 'writes'] as const)
    .filter((kind) => rates[kind] > 0)
    .map((kind) =>
      rateLimit({
        windowMs: MINUTE_MS,
        limit: rates[kind],
        standardHeaders: false,
        legacyHeaders: false,
        validate: false, // it would judge the proxies of each request, which the configuration names
        keyGenerator: (req, res) => keyOf(callers, req, res),
        skip: (req) => !KINDS[kind](req) || EXEMPT.some((start) => req.path.startsWith(start)),
        handler: (req, _res, next) => {
          const { rateLimit: { resetTime = new Date() } = {} } = req as Request & {
            readonly rateLimit?: { readonly resetTime?: Date };
          };
          const seconds = Math.max(1, Math.ceil((resetTime.getTime() - Date.now()) / 1000));
          const message = `more than ${String(rates[kind])} ${kind} in a minute`;
          const headers = { 'retry-after': String(seconds) };
          next(new MagnetarError('RATE_LIMITED', message, { headers }));
        },
      }),
    );
