/** What every request and response of this server has in common: an id, a signal, JSON. */
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { MagnetarError } from '../kernel/errors.ts';

const REQUEST_ID = 'x-request-id';
const SANE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Takes the caller's request id when it is harmless in a log, or makes one; answers must not be kept by caches. */
export const beginExchange = (req: Request, res: Response, next: NextFunction): void => {
  const given = req.headers[REQUEST_ID];
  const id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
  res.setHeader(REQUEST_ID, id);
  res.setHeader('cache-control', 'no-store');
  next();
};

export const requestIdOf = (res: Response): string => String(res.getHeader(REQUEST_ID));

/** Aborts when the client leaves before its answer is complete. */
export const signalOf = (res: Response): AbortSignal => {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new MagnetarError('ABORTED', 'the client left'));
  });
  return controller.signal;
};

export const sendJson = (res: Response, status: number, body: object): void => {
  const text = JSON.stringify(body);
  res.statusCode = status;
  res.setHeader('content-type', 'application/json; charset=utf-8');
  res.end(text);
};

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** T29: only `application/json`, which a web page of another origin cannot send unasked (DESIGN section 9). */
export const requireJson = (req: Request, _res: Response, next: NextFunction): void => {
  if (JSON_TYPE.test(req.headers['content-type'] ?? '')) next();
  else next(new MagnetarError('MEDIA_TYPE', 'send the body as Content-Type: application/json'));
};
