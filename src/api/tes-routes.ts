/** The five operations of TES 1.1, and the older spelling of service-info; one router for every prefix (T9, C1). */
import { Router, type Request, type Response } from 'express';
import { cancelTask, type CancelDeps } from '../tasks/cancel-task.ts';
import { createTask, type CreateDeps } from '../tasks/create-task.ts';
import { parseTaskId, type TaskId } from '../tasks/ids.ts';
import { awaitTask, type AwaitDeps } from '../tasks/await-task.ts';
import { listTasks, type ListDeps } from '../tasks/list-tasks.ts';
import {
  renderLegacyServiceInfo,
  renderServiceInfo,
  type ServiceInfoOptions,
} from '../tasks/service-info.ts';
import { taskUnknown } from '../tasks/task-unknown.ts';
import type { Audit } from './audit.ts';
import type { Callers } from './callers.ts';
import { methodUnknown } from './errors.ts';
import { readJson, sendJson, sendText, signalOf } from './exchange.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { queryOf, readListQuery, readView } from './list-query.ts';
import { preferredWait } from './prefer.ts';

export interface TesDeps extends CreateDeps, CancelDeps, AwaitDeps, ListDeps {
  readonly audit: Audit;
  readonly serviceInfo: ServiceInfoOptions;
  readonly bodyBytes: number;
  readonly callers: Callers;
}

type TaskRequest = Request<{ id: string }>;

const CANCEL = ':cancel';

/** Malformed ids are as unknown as absent ones (T54). */
const taskIdOf = (text: string): TaskId => {
  const id = parseTaskId(text);
  if (id === undefined) throw taskUnknown();
  return id;
};

const taskHandlers = (deps: TesDeps) => ({
  create: async (req: Request, res: Response): Promise<void> => {
    const body: unknown = req.body;
    const principal = deps.callers.of(res);
    const input = { body, principal, ...idempotencyKeyOf(req) };
    const { id, made } = await createTask(deps, input, { signal: signalOf(res) });
    deps.audit.done(req, res, { task: id, result: made ? 'done' : 'repeated' });
    sendJson(res, 200, { id });
  },
  list: async (req: Request, res: Response): Promise<void> => {
    const input = { ...readListQuery(queryOf(req)), principal: deps.callers.of(res) };
    sendText(res, 200, await listTasks(deps, input, { signal: signalOf(res) }));
  },
  get: async (req: TaskRequest, res: Response): Promise<void> => {
    const input = {
      view: readView(queryOf(req)),
      id: taskIdOf(req.params.id),
      principal: deps.callers.of(res),
    };
    const wait = preferredWait(req);
    if (wait !== undefined) res.setHeader('preference-applied', `wait=${String(wait)}`);
    const waiting = { ...input, waitMs: wait === undefined ? undefined : wait * 1000 };
    sendJson(res, 200, await awaitTask(deps, waiting, { signal: signalOf(res) }));
  },
  /** T79, C4: the body, whatever it is, is not read. */
  cancel: async (req: TaskRequest, res: Response): Promise<void> => {
    const id = taskIdOf(req.params.id.slice(0, -CANCEL.length));
    await cancelTask(deps, { id, principal: deps.callers.of(res) }, { signal: signalOf(res) });
    deps.audit.done(req, res, { task: id, result: 'done' });
    sendJson(res, 200, {});
  },
});

const READ_ONLY = methodUnknown('GET, HEAD');
const CANCEL_ONLY = methodUnknown('POST');

export const createTesRouter = (deps: TesDeps): Router => {
  const router = Router({ caseSensitive: true });
  const { create, list, get, cancel } = taskHandlers(deps);
  const info = renderServiceInfo(deps.serviceInfo);
  const legacyInfo = renderLegacyServiceInfo(deps.serviceInfo);

  router.post('/tasks', ...readJson(deps.bodyBytes), create);
  router.get('/tasks', list);
  router.all('/tasks', methodUnknown('GET, HEAD, POST'));

  router.get('/service-info', (_req, res) => {
    sendJson(res, 200, info);
  });
  router.all('/service-info', READ_ONLY);
  router.get('/tasks/service-info', (_req, res) => {
    sendJson(res, 200, legacyInfo);
  });
  router.all('/tasks/service-info', READ_ONLY);

  // The id is matched with its suffix, because `%3Acancel` is decoded only after matching (T83).
  router.all('/tasks/:id', (req: TaskRequest, res, next) => {
    const isCancel = req.params.id.endsWith(CANCEL);
    if (isCancel && req.method === 'POST') return cancel(req, res);
    if (!isCancel && (req.method === 'GET' || req.method === 'HEAD')) return get(req, res);
    (isCancel ? CANCEL_ONLY : READ_ONLY)(req, res, next);
    return undefined;
  });
  return router;
};
