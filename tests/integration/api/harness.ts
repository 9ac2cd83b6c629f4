/** The real Express app on a free port over a real SQLite file; each answer is held against the bundled document. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi, type Api, type ApiDeps } from '../../../src/api/app.ts';
import type { AccessDeps } from '../../../src/api/gate.ts';
import { compileRunnerSchema } from '../../../src/api/runner-schema.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import type { LogFields, Logger } from '../../../src/kernel/logger.ts';
import { createAllowList } from '../../../src/storage/file/allow-list.ts';
import { createKeptLogs } from '../../../src/storage/logs/kept-logs.ts';
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { TaskId } from '../../../src/tasks/ids.ts';
import { parseTaskId } from '../../../src/tasks/ids.ts';
import type { KeptLogs } from '../../../src/tasks/ports/kept-logs.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';
import type { Part, Task, TaskHead } from '../../../src/tasks/task.ts';
import { assertAnswer } from './contract-check.ts';

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

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export const recordingLogger = (lines: LogLine[]): Logger => {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed body; undefined when it is no JSON. */
  readonly json: unknown;
}

export interface CallInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

export const MINIMAL_TASK = { executors: [{ image: 'alpine', command: ['echo', 'hello'] }] };

export interface Harness {
  /** `http://127.0.0.1:<port>`. */
  readonly root: string;
  /** A folder that tasks may read and write. */
  readonly data: string;
  readonly store: TaskStore;
  readonly keptLogs: KeptLogs;
  readonly api: Api;
  readonly logs: LogLine[];
  /** Sends to the root or, for paths without leading slash, to `/ga4gh/tes/v1/`. */
  call(path: string, init?: CallInit): Promise<Answer>;
  /** Posts JSON to `tasks`. */
  post(body: unknown, path?: string): Promise<Answer>;
  /** Creates a task that must be accepted; answers its id. */
  create(body?: unknown): Promise<string>;
  task(id: string): Promise<Task>;
  /** Writes a changed head, as the dispatcher would. */
  change(
    id: string,
    change: (task: Task) => Partial<TaskHead>,
    parts?: readonly Part[],
  ): Promise<void>;
  close(): Promise<void>;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const OPEN: AccessDeps = {
  authenticate: () => Promise.resolve(ANYBODY),
  offers: { basic: false, bearer: false, signIns: [] },
  tokenHeader: '',
  tokenParameter: '',
  networks: [],
};

const signal = new AbortController().signal;

export const taskIdOf = (text: string): TaskId => {
  const id = parseTaskId(text);
  if (id === undefined) throw new Error(`not a task id: ${text}`);
  return id;
};

export const bodyOf = ({ json }: Answer): Record<string, unknown> =>
  json as Record<string, unknown>;

export const idOf = ({ json }: Answer): string => (json as { id: string }).id;

export interface Listed {
  readonly tasks: readonly {
    readonly id: string;
    readonly state: string;
    readonly name?: string;
  }[];
  readonly next_page_token?: string;
}

export const listedIn = ({ json }: Answer): Listed => json as Listed;

export const startHarness = async (
  change: (deps: ApiDeps) => Partial<ApiDeps> = () => ({}),
): Promise<Harness> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'magnetar-api-')));
  const data = mkdtempSync(join(folder, 'data-'));
  const { store, changes } = createSqliteStore({ path: join(folder, 'tasks.db') });
  const logs: LogLine[] = [];
  const keptLogs = createKeptLogs({ directory: join(folder, '.hidden'), clock: systemClock });
  const deps: ApiDeps = {
    store,
    changes,
    keptLogs,
    jobLogs: { download: () => Promise.resolve(false) },
    ids: createIdSource(() => Date.now()),
    clock: systemClock,
    logger: recordingLogger(logs),
    serviceInfo: { ...SERVICE, storage: [`file://${data}`] },
    storage: { files: createAllowList({ read: [data], write: [data] }), httpAllow: [] },
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

  const call: Harness['call'] = async (path, init = {}) => {
    const url = path.startsWith('/') ? root + path : `${root}/ga4gh/tes/v1/${path}`;
    const response = await fetch(url, { redirect: 'manual', ...init });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, text, json: parsed(text) };
    assertAnswer(new URL(url), init.method ?? 'GET', answer);
    return answer;
  };
  const post: Harness['post'] = (body, path = 'tasks') =>
    call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const task: Harness['task'] = async (id) => {
    const found = await store.get(taskIdOf(id), 'all', { signal });
    if (found === undefined) throw new Error(`no task ${id}`);
    return found;
  };
  return {
    root,
    data,
    store,
    keptLogs,
    api,
    logs,
    call,
    post,
    task,
    async create(body = MINIMAL_TASK) {
      const answer = await post(body);
      if (answer.status !== 200) throw new Error(`refused: ${answer.text}`);
      return idOf(answer);
    },
    async change(id, update, parts = []) {
      const before = await task(id);
      const head = { ...before.head, ...update(before) };
      const result = await store.write(before.id, { rev: before.rev }, head, { signal, parts });
      if (result !== 'applied') throw new Error(`write: ${result}`);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
