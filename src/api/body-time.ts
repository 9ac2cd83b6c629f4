/** How long a request's body may take. Node's own limit holds for all requests alike, but data of jobs may come for hours. */
import type { Request, RequestHandler } from 'express';

/** As Node's `requestTimeout`. */
const LONGEST_MS = 300_000;

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Cuts the connection of whoever has not sent the whole body in time. Bodies of these paths are not timed: their readers bound each pause. */
export const createBodyTime =
  (except: RegExp, longestMs = LONGEST_MS): RequestHandler =>
  (req, res, next) => {
    if (hasBody(req) && !except.test(req.path)) {
      const timer = setTimeout(() => {
        if (!req.complete) req.socket.destroy();
      }, longestMs);
      timer.unref();
      res.once('close', () => {
        clearTimeout(timer);
      });
    }
    next();
  };
