/** For operators and orchestrators: is the process alive, and can it take tasks. */
import { Router } from 'express';
import { MagnetarError } from '../kernel/errors.ts';
import { methodUnknown } from './errors.ts';
import { sendJson } from './exchange.ts';

export interface Readiness {
  readonly ok: boolean;
  readonly reason?: string;
}

export interface Health {
  ready(): Promise<Readiness>;
}

export const createHealthRouter = (health: Health): Router => {
  const router = Router();
  router.get('/healthz', (_req, res) => {
    sendJson(res, 200, { status: 'ok' });
  });
  router.get('/readyz', async (_req, res) => {
    const { ok, reason } = await health.ready();
    if (!ok) throw new MagnetarError('NOT_READY', reason ?? 'the server is not ready');
    sendJson(res, 200, { status: 'ready' });
  });
  router.all(['/healthz', '/readyz'], methodUnknown('GET, HEAD'));
  return router;
};
