/** `GET /ext/v1/tasks/<id>/logs/<attempt>/<executor>/<stdout|stderr>`: one stream of an executor, whole, also while it runs. */
import { Router, type Request, type Response } from 'express';
import type { operations } from '../generated/ext.ts';
import { MagnetarError } from '../kernel/errors.ts';
import { STREAMS } from '../tasks/full-logs.ts';
import { parseTaskId } from '../tasks/ids.ts';
import { readLog, type LogDeps, type LogRequest } from '../tasks/read-log.ts';
import { taskUnknown } from '../tasks/task-unknown.ts';
import type { Callers } from './callers.ts';
import { methodUnknown } from './errors.ts';
import { signalOf } from './exchange.ts';

const PATH = '/ext/v1/tasks/:id/logs/:attempt/:executor/:stream';

/** The parameters of the document, as Express gives them. */
type LogPath = Request<Record<keyof operations['getLog']['parameters']['path'], string>>;

const requestOf = ({ params }: LogPath): Omit<LogRequest, 'principal'> => {
  const id = parseTaskId(params.id);
  if (id === undefined) throw taskUnknown();
  const stream = STREAMS.find((name) => name === params.stream);
  if (stream === undefined || ![params.attempt, params.executor].every((n) => /^\d{1,6}$/.test(n)))
    throw new MagnetarError('PATH_UNKNOWN', 'no such path');
  const [attempt, executor] = [Number(params.attempt), Number(params.executor)];
  return { id, attempt, executor, stream };
};

/** What `sendFile` meets: the file was removed a moment ago, or a range beyond its end. */
const FILE_ERRORS: Readonly<Record<number, () => MagnetarError>> = {
  404: () => new MagnetarError('LOG_UNKNOWN', 'the full log is not kept any more'),
  416: () => new MagnetarError('RANGE_UNKNOWN', 'the log is shorter than that'),
};

const statusOf = (error: Error): number =>
  'status' in error && typeof error.status === 'number' ? error.status : 0;

/** The client left: there is nobody to tell. */
const isHangUp = (error: Error): boolean => 'code' in error && error.code === 'ECONNABORTED';

/** `dotfiles`: the data directory may lie below a hidden folder. */
const sendFile = (res: Response, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    res.sendFile(path, { dotfiles: 'allow', cacheControl: false, etag: false }, (error?: Error) => {
      if (error === undefined || res.closed || isHangUp(error)) resolve();
      else reject(FILE_ERRORS[statusOf(error)]?.() ?? error);
    });
  });

export const createLogRouter = (deps: LogDeps & { readonly callers: Callers }): Router => {
  const router = Router({ caseSensitive: true });
  router.get(PATH, async (req: LogPath, res: Response) => {
    const request = { ...requestOf(req), principal: deps.callers.of(res) };
    const log = await readLog(deps, request, { signal: signalOf(res) });
    res.setHeader('content-type', 'text/plain; charset=utf-8');
    if ('text' in log) res.end(log.text);
    else await sendFile(res, log.file);
  });
  router.all(PATH, methodUnknown('GET, HEAD'));
  return router;
};
