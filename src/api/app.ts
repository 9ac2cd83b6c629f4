/** Puts the doors together: what every request passes, in order, and where it ends. */
import express, { type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';
import type { ServiceInfoOptions } from '../tasks/service-info.ts';
import type { StorageRules } from '../tasks/storage-rules.ts';
import { createBeaconRouter, type Jobs } from './beacon-routes.ts';
import { loadContract } from './contract.ts';
import { createDocsRouter } from './docs-routes.ts';
import { createErrorHandler, pathUnknown } from './errors.ts';
import { beginExchange } from './exchange.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { createHealthRouter, type Health } from './health-routes.ts';
import { createTesRouter } from './tes-routes.ts';

export interface ApiLimits {
  readonly bodyBytes: number;
  readonly contentBytes: number;
}

export interface ApiDeps {
  readonly store: TaskStore;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serviceInfo: ServiceInfoOptions;
  readonly storage: StorageRules;
  readonly limits: ApiLimits;
  readonly health: Health;
  readonly jobs: Jobs;
  readonly security: GuardOptions;
}

export interface Api {
  readonly app: express.Express;
  /** From now on every request but the liveness check is answered 503, and its connection closed. */
  drain(): void;
}

/** Besides the root (C1). */
const PREFIXES = ['/ga4gh/tes/v1', '/v1'];

/** The page at `/` needs scripts and styles of this server, and images inlined in the style sheet; nothing else. */
const HEADERS = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false, // the word of whoever ends TLS in front of this server
});

/** Ends requests while the server stops. */
const createGate = () => {
  let draining = false;
  return {
    drain: () => {
      draining = true;
    },
    pass: (req: Request, _res: Response, next: NextFunction): void => {
      if (!draining || req.path === '/healthz') next();
      else {
        const headers = { connection: 'close', 'retry-after': '1' };
        next(new MagnetarError('STOPPING', 'the server is shutting down', { headers }));
      }
    },
  };
};

/** The server's HTTP side. Nothing listens yet: the caller gives `app` to an HTTP server. */
export const createApi = (deps: ApiDeps): Api => {
  const contract = loadContract();
  const gate = createGate();
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');

  app.use(beginExchange, HEADERS, gate.pass, createGuard(deps.security));
  const tes = createTesRouter({
    ...deps,
    rules: {
      schema: contract.taskSchema,
      backendParameters: deps.serviceInfo.backendParameters,
      contentBytes: deps.limits.contentBytes,
    },
    bodyBytes: deps.limits.bodyBytes,
  });
  app.use(PREFIXES, tes);
  app.use(tes);
  app.use(createBeaconRouter(deps));
  app.use(createHealthRouter(deps.health));
  app.use(createDocsRouter(contract.text, deps.serviceInfo));
  app.use(pathUnknown);
  app.use(createErrorHandler(deps.logger));
  return { app, drain: gate.drain };
};
