/** What every request and response of this server has in common: an id, a signal, JSON. */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { raw, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { MagnetarError } from '../kernel/errors.ts';
import { createBodyRoom } from './body-room.ts';

const REQUEST_ID = 'x-request-id';
const SANE_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Answers are JSON: not for caches, nor to be shown as a page (OWASP REST Security Cheat Sheet). The pages have headers of their own. */
const HEADERS = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
] as const;

/** Takes the caller's request id when it is harmless in a log, or makes one. */
export const beginExchange = (req: Request, res: Response): void => {
  const given = req.headers[REQUEST_ID];
  const id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
  res.setHeader(REQUEST_ID, id);
  for (const [name, value] of HEADERS) res.setHeader(name, value);
};

export const requestIdOf = (res: Response): string => String(res.getHeader(REQUEST_ID));

/** Aborts when the client leaves before its answer is complete. */
export const signalOf = (res: Response): AbortSignal => {
  const controller = new AbortController();
  const leave = (): void => {
    if (!res.writableFinished) controller.abort(new MagnetarError('ABORTED', 'the client left'));
  };
  if (res.destroyed)
    leave(); // while its credentials were judged
  else res.once('close', leave);
  return controller.signal;
};

/** `text` is JSON. */
export const sendText = (res: Response, status: number, text: string): void => {
  res.statusCode = status;
  res.setHeader('content-type', 'application/json; charset=utf-8');
  res.end(text);
};

export const sendJson = (res: Response, status: number, body: object): void => {
  sendText(res, status, JSON.stringify(body));
};

const JSON_TYPE = /^application\/json\s*(;|$)/i;
const FOREIGN_CHARSET = /;\s*charset\s*=\s*(?!"?utf-8"?\s*(;|$))/i;

/** T29: only `application/json`, which a web page of another origin cannot send unasked (DESIGN section 9). */
const requireJson = (req: Request, _res: Response, next: NextFunction): void => {
  const type = req.headers['content-type'] ?? '';
  if (!JSON_TYPE.test(type)) {
    next(new MagnetarError('MEDIA_TYPE', 'send the body as Content-Type: application/json'));
  } else if (FOREIGN_CHARSET.test(type)) {
    next(new MagnetarError('MEDIA_TYPE', 'the body must be in UTF-8'));
  } else next();
};

const BYTE_ORDER_MARK = /^\uFEFF/;

/** JSON is UTF-8 (RFC 8259, 8.1): other bytes are refused, for replacing them would change a task. */
export const parseJson = (bytes: Buffer): unknown => {
  if (!isUtf8(bytes)) throw new MagnetarError('BAD_REQUEST', 'the body is not valid UTF-8');
  try {
    return JSON.parse(bytes.toString('utf8').replace(BYTE_ORDER_MARK, '')) as unknown;
  } catch (error) {
    throw new MagnetarError('BAD_REQUEST', 'the body is not valid JSON', { cause: error });
  }
};

/** The bytes that `raw` has read; it leaves something else where there is no body. */
export const bytesOf = (req: Request): Buffer =>
  Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);

/** Handlers that leave the parsed body in `req.body`; an absent body is no JSON. */
export const readJson = (limit: number): readonly RequestHandler[] => [
  requireJson,
  createBodyRoom(limit),
  raw({ limit, type: () => true }),
  (req, _res, next) => {
    req.body = parseJson(bytesOf(req));
    next();
  },
];
