/** Puts the doors together: what every request passes, in order, and where it ends. */
import express, { type Request, type Response } from 'express';
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import { createKnownViews } from '../tasks/known-views.ts';
import { createAdmission } from '../tasks/owner-limits.ts';
import type { SecretBox } from '../tasks/ports/secret-box.ts';
import type { Usage } from '../tasks/ports/task-store.ts';
import type { Changes } from '../tasks/ports/changes.ts';
import type { LogDeps } from '../tasks/read-log.ts';
import type { RunnerSchema } from '../tasks/runner-schema.ts';
import type { ServiceInfoOptions } from '../tasks/service-info.ts';
import type { StorageRules } from '../tasks/storage-rules.ts';
import { createWatch } from '../tasks/watch.ts';
import { createAudit } from './audit.ts';
import { createBeaconRouter, type Jobs } from './beacon-routes.ts';
import { createBodyTime } from './body-time.ts';
import { createCallers } from './callers.ts';
import { createCompress } from './compress.ts';
import { loadContract } from './contract.ts';
import { createDocsRouter } from './docs-routes.ts';
import { createErrorHandler, pathUnknown } from './errors.ts';
import { beginExchange } from './exchange.ts';
import { createAccessGate, PREFIXES, type AccessDeps } from './gate.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { createHealthRouter, type Health } from './health-routes.ts';
import { createLogRouter } from './log-routes.ts';
import { createPipelines } from './pipeline.ts';
import { createRates, type Rates } from './rates.ts';
import { createRelayRouter, type RelayRouteDeps } from './relay-routes.ts';
import { createTesRouter } from './tes-routes.ts';

export interface ApiLimits {
  readonly bodyBytes: number;
  readonly contentBytes: number;
  /** Tasks of one owner; 0 = no limit. */
  readonly perOwner: Usage;
}

export interface HttpOptions {
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy: readonly string[];
  /** How others reach this server, without a slash at the end; empty = not known. */
  readonly publicUrl: string;
  readonly rates: Rates;
}

export interface ApiDeps extends LogDeps {
  readonly box: SecretBox;
  readonly http: HttpOptions;
  readonly changes: Changes;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serviceInfo: ServiceInfoOptions;
  readonly storage: StorageRules;
  readonly limits: ApiLimits;
  readonly repeatWindowMs: number;
  readonly settleMs: number;
  readonly health: Health;
  readonly jobs: Jobs;
  readonly relay: RelayRouteDeps;
  readonly runnerSchema: RunnerSchema;
  readonly security: Omit<GuardOptions, 'tokenHeader'>;
  readonly access: AccessDeps;
}

export interface Api {
  readonly app: express.Express;
  /** From now on every request but the liveness check is answered 503, and its connection closed; who waits is answered. */
  drain(): void;
}

/** Characters: the BASIC views of about 10,000 tasks. */
const KNOWN_VIEWS_LENGTH = 8 * 1024 * 1024;

const OUTPUTS_OF_JOBS = /^\/files\/[^/]+\/outputs\//;

/** Ends requests while the server stops. */
const createGate = () => {
  const underWay = new Set<Response>();
  let draining = false;
  return {
    drain: () => {
      draining = true;
      for (const res of underWay) if (!res.headersSent) res.setHeader('connection', 'close');
    },
    enter: (req: Request, res: Response): void => {
      if (draining && req.path !== '/healthz') {
        const headers = { connection: 'close', 'retry-after': '1' };
        throw new MagnetarError('STOPPING', 'the server is shutting down', { headers });
      }
      underWay.add(res);
      res.once('close', () => underWay.delete(res));
    },
  };
};

/** The server's HTTP side. Nothing listens yet: the caller gives `app` to an HTTP server. */
export const createApi = (deps: ApiDeps): Api => {
  const contract = loadContract();
  const gate = createGate();
  const follow = createPipelines();
  const { tokenHeader } = deps.access;
  const isAdmitted = createGuard({ ...deps.security, tokenHeader });
  const callers = createCallers();
  const audit = createAudit(deps.logger, callers);
  const access = createAccessGate(deps.access, callers);
  const watch = createWatch(deps);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  if (deps.http.trustProxy.length > 0) app.set('trust proxy', deps.http.trustProxy);
  app.enable('case sensitive routing');

  app.use(createBodyTime(OUTPUTS_OF_JOBS));
  app.use(createCompress());
  app.use(async (req, res, next) => {
    beginExchange(req, res);
    follow(req, res);
    gate.enter(req, res);
    if (!isAdmitted(req, res)) return;
    await access.enter(req, res);
    next();
  });
  for (const limit of createRates(deps.http.rates, callers)) app.use(limit);
  const tes = createTesRouter({
    ...deps,
    watch,
    callers,
    audit,
    rules: {
      schema: contract.taskSchema,
      backendParameters: deps.serviceInfo.backendParameters,
      contentBytes: deps.limits.contentBytes,
    },
    bodyBytes: deps.limits.bodyBytes,
    keysInUse: new Set(),
    basicViews: createKnownViews(KNOWN_VIEWS_LENGTH),
    admission: createAdmission(deps.store, deps.limits.perOwner),
  });
  app.use([...PREFIXES], tes);
  app.use(tes);
  app.use(createLogRouter({ ...deps, callers }));
  app.use(createBeaconRouter(deps));
  app.use(createRelayRouter(deps.relay));
  app.use(createHealthRouter(deps.health));
  app.use(createDocsRouter(contract, deps));
  app.use(pathUnknown);
  app.use(createErrorHandler(deps.logger, audit));
  const drain = (): void => {
    gate.drain();
    watch.end();
  };
  return { app, drain };
};
