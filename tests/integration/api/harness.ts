/** The API as tests call it: each answer is held against the bundled document. */
import type { ApiDeps } from '../../../src/api/app.ts';
import type { LogFields, Logger } from '../../../src/kernel/logger.ts';
import type { TaskId } from '../../../src/tasks/ids.ts';
import { parseTaskId } from '../../../src/tasks/ids.ts';
import type { Part, Task, TaskHead } from '../../../src/tasks/task.ts';
import { assertAnswer } from './contract-check.ts';
import { listenApi, type ListeningApi } from './listening-api.ts';

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

/** Sends to the root or, for paths without leading slash, to `/ga4gh/tes/v1/`. */
type Call = (path: string, init?: CallInit) => Promise<Answer>;

export interface Harness extends ListeningApi {
  readonly logs: LogLine[];
  readonly call: Call;
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
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
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

/** Sends to this root, and holds each answer against the document. */
export const callerOf =
  (root: string): Call =>
  async (path, init = {}) => {
    const url = path.startsWith('/') ? root + path : `${root}/ga4gh/tes/v1/${path}`;
    const response = await fetch(url, { redirect: 'manual', ...init });
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, text, json: parsed(text) };
    assertAnswer(new URL(url), init.method ?? 'GET', answer);
    return answer;
  };

export const startHarness = async (
  change: (deps: ApiDeps) => Partial<ApiDeps> = () => ({}),
): Promise<Harness> => {
  const logs: LogLine[] = [];
  const listening = await listenApi(recordingLogger(logs), change);
  const { root, store } = listening;
  const call = callerOf(root);
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
    ...listening,
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
  };
};
