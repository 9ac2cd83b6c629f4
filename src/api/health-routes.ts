/** For operators and orchestrators: is the process alive, and can it take tasks. */
import { Router } from 'express';
import type { components } from '../generated/ext.ts';
import { MagnetarError } from '../kernel/errors.ts';
import { methodUnknown } from './errors.ts';
import { sendJson } from './exchange.ts';

type Schemas = components['schemas'];

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
    const alive: Schemas['Liveness'] = { status: 'ok' };
    sendJson(res, 200, alive);
  });
  router.get('/readyz', async (_req, res) => {
    const { ok, reason } = await health.ready();
    if (!ok) throw new MagnetarError('NOT_READY', reason ?? 'the server is not ready');
    const able: Schemas['Readiness'] = { status: 'ready' };
    sendJson(res, 200, able);
  });
  router.all(['/healthz', '/readyz'], methodUnknown('GET, HEAD'));
  return router;
};
