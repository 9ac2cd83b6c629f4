/** The audit trail: a line for each creation, cancel and refusal. Who, what, from where, and what came of it; never a credential or a body. */
import { unescape } from 'node:querystring';
import type { Request, Response } from 'express';
import type { MagnetarError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { TaskId } from '../tasks/ids.ts';
import type { Callers } from './callers.ts';
import { requestIdOf } from './exchange.ts';

export interface Audit {
  /** A change that was made, or had been made before. */
  done(req: Request, res: Response, change: { task: TaskId; result: 'done' | 'repeated' }): void;
  /** Writes a line when it was a change that failed, or a refusal. */
  failed(req: Request, res: Response, error: MagnetarError): void;
}

/** Names that scripts may look for. */
type Event = 'task.create' | 'task.cancel' | 'request';

const CANCEL = /:cancel\/?$/;
const CREATE = /\/tasks\/?$/;

/** However the path is spelled: routes take escapes and a slash at its end as well. */
const eventOf = ({ method, path }: Request): Event => {
  if (method !== 'POST') return 'request';
  const plain = unescape(path);
  if (CANCEL.test(plain)) return 'task.cancel';
  return CREATE.test(plain) ? 'task.create' : 'request';
};

/** Credentials, rights, networks, limits. */
const REFUSALS: readonly number[] = [401, 403, 429];

/** The issuer apart: what precedes an @ in a URL is taken out of logs, and a subject may hold one. */
const whoOf = (key: string): { readonly who: string; readonly issuer?: string } => {
  if (key === '') return { who: 'anybody' };
  const bar = key.indexOf('|');
  return bar === -1 ? { who: key } : { who: key.slice(bar + 1), issuer: key.slice(0, bar) };
};

export const createAudit = (logger: Logger, callers: Callers): Audit => {
  const log = logger.child({ audit: true });

  const fieldsOf = (req: Request, res: Response) => {
    const caller = callers.find(res);
    return {
      event: eventOf(req),
      ...(caller === undefined ? { who: 'unknown' } : whoOf(caller.owner)),
      from: req.ip ?? '',
      method: req.method,
      path: req.baseUrl + req.path,
      requestId: requestIdOf(res),
    };
  };

  return {
    done(req, res, { task, result }) {
      log.info('audit', { ...fieldsOf(req, res), taskId: task, result });
    },
    failed(req, res, error) {
      if (eventOf(req) === 'request' && !REFUSALS.includes(error.row.status)) return;
      log.info('audit', { ...fieldsOf(req, res), result: error.code, status: error.row.status });
    },
  };
};
