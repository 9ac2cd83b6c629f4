/** The one shape of every error, and the only place where an error becomes an answer (T47). */
import type { NextFunction, Request, Response } from 'express';
import type { components } from '../generated/ext.ts';
import { isMagnetarError, MagnetarError, messageOf, type ErrorCode } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Audit } from './audit.ts';
import { requestIdOf, sendJson } from './exchange.ts';

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** The reader ends before it knows the length of a body that comes in chunks. */
const tooLarge = (error: unknown): string => {
  const length = field(error, 'length');
  const use = typeof length === 'number' ? `${String(length)} bytes` : 'more bytes';
  return `the body has ${use}, of at most ${String(field(error, 'limit'))}`;
};

/** Kinds of failure of Express's own body reader. */
const BODY_ERRORS: Readonly<
  Record<string, readonly [ErrorCode, string | ((error: unknown) => string)]>
> = {
  'entity.too.large': ['BODY_TOO_LARGE', tooLarge],
  'encoding.unsupported': ['MEDIA_TYPE', 'this Content-Encoding is not supported'],
  'request.size.invalid': ['BAD_REQUEST', 'the body is not as long as Content-Length says'],
  'request.aborted': ['ABORTED', 'the client left'],
};

const translate = (error: unknown): MagnetarError => {
  if (isMagnetarError(error)) return error;
  const known = BODY_ERRORS[String(field(error, 'type'))];
  if (known !== undefined) {
    const [code, message] = known;
    const text = typeof message === 'string' ? message : message(error);
    return new MagnetarError(code, text, { cause: error });
  }
  if (error instanceof URIError) return new MagnetarError('PATH_UNKNOWN', 'no such path'); // bad % escape
  const status = field(error, 'status');
  return typeof status === 'number' && status >= 400 && status < 500
    ? new MagnetarError('BAD_REQUEST', 'the request cannot be read', { cause: error })
    : new MagnetarError('INTERNAL', messageOf(error), { cause: error });
};

const body = (
  { code, row, message, details }: MagnetarError,
  requestId: string,
): components['schemas']['Error'] => ({
  status: row.status,
  code,
  message: row.expose ? message : row.meaning,
  details: row.expose ? details : [],
  request_id: requestId,
});

/** Ends the chain: logs at the level of the catalogue, answers in the one shape, never a stack. */
export const createErrorHandler =
  (logger: Logger, audit: Audit) =>
  (thrown: unknown, req: Request, res: Response, _next: NextFunction): void => {
    const error = translate(thrown);
    const { row } = error;
    logger[row.level]('request failed', {
      requestId: requestIdOf(res),
      method: req.method,
      path: req.path,
      code: error.code,
      status: row.status,
      reason: error.message,
      ...(row.status < 500 ? {} : { error }), // with its causes: what the client is not told, its operator needs
      ...(row.expose ? {} : { stack: thrown instanceof Error ? thrown.stack : undefined }),
    });
    audit.failed(req, res, error);
    if (res.headersSent) {
      res.destroy(); // too late for an answer
      return;
    }
    for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value);
    sendJson(res, row.status, body(error, requestIdOf(res)));
  };

export const pathUnknown = (_req: Request, _res: Response, next: NextFunction): void => {
  next(new MagnetarError('PATH_UNKNOWN', 'no such path'));
};

/** T12: a known path, another method. */
export const methodUnknown =
  (allow: string) =>
  (req: Request, _res: Response, next: NextFunction): void => {
    next(
      new MagnetarError('METHOD_UNKNOWN', `${req.method} is not a method of this path`, {
        headers: { allow },
      }),
    );
  };
