/** The real Express app on a free port over a real SQLite file, for tests in this process or from another one. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import { createApi, type Api, type ApiDeps } from '../../../src/api/app.ts';
import type { AccessDeps } from '../../../src/api/gate.ts';
import { compileRunnerSchema } from '../../../src/api/runner-schema.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import type { Logger } from '../../../src/kernel/logger.ts';
import { createAllowList } from '../../../src/storage/file/allow-list.ts';
import { createFtpRules } from '../../../src/storage/ftp/ftp-rules.ts';
import { createHttpRules } from '../../../src/storage/http/http-rules.ts';
import { createS3Rules } from '../../../src/storage/s3/s3-rules.ts';
import { createKeptLogs } from '../../../src/storage/logs/kept-logs.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { KeptLogs } from '../../../src/tasks/ports/kept-logs.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';

const MIB = 1024 * 1024;

export const SERVICE = {
  id: 'org.example.magnetar',
  name: 'Magnetar under test',
  organization: { name: 'Example', url: 'https://example.org' },
  version: '0.1.0',
  description: 'A test server',
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
  backendParameters: ['destination', 'VmSize'],
} as const;

const OPEN: AccessDeps = {
  authenticate: () => Promise.resolve(ANYBODY),
  offers: { basic: false, bearer: false, signIns: [] },
  tokenHeader: '',
  tokenParameter: '',
  networks: [],
};

export interface ListeningApi {
  /** `http://127.0.0.1:<port>`. */
  readonly root: string;
  /** A folder that tasks may read and write. */
  readonly data: string;
  readonly store: TaskStore;
  readonly keptLogs: KeptLogs;
  readonly api: Api;
  close(): Promise<void>;
}

const GRANTS = { authentication: false, admins: [] };
const PUBLIC_ONLY = { allow: [], hosts: [], grants: GRANTS };
const SCHEMES = {
  http: createHttpRules(PUBLIC_ONLY),
  https: createHttpRules(PUBLIC_ONLY),
  ftp: createFtpRules(PUBLIC_ONLY),
  ftps: createFtpRules(PUBLIC_ONLY),
  s3: createS3Rules({ allow: [], endpoints: [], grants: GRANTS }),
};

export const listenApi = async (
  logger: Logger,
  change: (deps: ApiDeps) => Partial<ApiDeps> = () => ({}),
): Promise<ListeningApi> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'magnetar-api-')));
  const data = mkdtempSync(join(folder, 'data-'));
  const { store, changes } = createSqliteStore({ path: join(folder, 'tasks.db') });
  const keptLogs = createKeptLogs({ directory: join(folder, '.hidden'), clock: systemClock });
  const box = createSecretBox('an install secret of these tests');
  const deps: ApiDeps = {
    store,
    box,
    changes,
    keptLogs,
    jobLogs: { download: () => Promise.resolve(false) },
    ids: createIdSource(() => Date.now()),
    clock: systemClock,
    logger,
    serviceInfo: { ...SERVICE, storage: [`file://${data}`] },
    storage: {
      files: createAllowList({ rootsFor: () => ({ read: [data], write: [data] }) }),
      schemes: SCHEMES,
    },
    relay: {
      store,
      box,
      storageOf: () => undefined,
      directOf: () => [],
      relayTokenFor: (job) => `token of ${job}`,
    },
    limits: {
      bodyBytes: 16 * MIB,
      contentBytes: MIB,
      perOwner: { queued: 0, stored: 0 },
    },
    repeatWindowMs: 0,
    settleMs: 0,
    http: { trustProxy: [], publicUrl: '', rates: { reads: 0, writes: 0 } },
    health: { ready: () => Promise.resolve({ ok: true }) },
    jobs: { keyFor: (job) => `key of ${job}`, receive: () => Promise.resolve('go') },
    runnerSchema: compileRunnerSchema(),
    security: { allowedHosts: [], allowedOrigins: [] },
    access: OPEN,
  };
  const api = createApi({ ...deps, ...change(deps) });
  const server = createServer(api.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const root = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    root,
    data,
    store,
    keptLogs,
    api,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
