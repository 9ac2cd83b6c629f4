/** A tiny TES server whose tasks go through given states, one with each look. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TesStubOptions {
  /** Where the API is. */
  readonly prefix?: string;
  /** States of each task in turn; the last one stays. */
  readonly states?: readonly string[];
  /** How many looks at a task, after its first, are answered with 503. */
  readonly failures?: number;
  /** service-info only below /tasks, as TES 0.x has it. */
  readonly legacy?: boolean;
  /** Value the Authorization header must have. */
  readonly authorization?: string;
  /** More of each task. */
  readonly task?: object;
  /** Full logs by `<task>/<attempt>/<executor>/<stream>`, as Magnetar has them; absent = it is none. */
  readonly streams?: Readonly<Record<string, string>>;
  /** Tasks in the list. */
  readonly stored?: number;
}

export interface TesStub {
  readonly url: string;
  /** `METHOD path?query` of each request. */
  readonly requests: readonly string[];
  readonly bodies: readonly unknown[];
  /** The Authorization header of each request. */
  readonly authorizations: readonly (string | undefined)[];
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const TASK = {
  name: 'stub',
  creation_time: '2030-01-01T00:00:00Z',
  executors: [{ command: ['sh', '-c', 'x'] }],
  logs: [
    {
      logs: [{ exit_code: 3, stdout: 'to stdout\n', stderr: 'to stderr\n' }],
      system_logs: ['why'],
    },
  ],
};

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
};

const listPage = (url: URL, stored: number): Reply => {
  const start = Number(url.searchParams.get('page_token') ?? '0');
  const end = Math.min(stored, start + Number(url.searchParams.get('page_size') ?? '256'));
  const tasks = Array.from({ length: end - start }, (_, n) => ({
    ...TASK,
    id: `t${String(start + n)}`,
    state: 'COMPLETE',
  }));
  const next = end < stored ? { next_page_token: String(end) } : {};
  return { status: 200, body: { tasks, ...next } };
};

const STREAM = /^\/ext\/v1\/tasks\/(.+)\/logs\/(.+)$/;

const createReply = (options: TesStubOptions) => {
  const { prefix = '/v1', states = ['COMPLETE'], legacy = false, stored = 0 } = options;
  const looks = new Map<string, number>();
  let failures = options.failures ?? 0;
  const look = (id: string): Reply => {
    if (id.startsWith('missing')) {
      return { status: 404, body: { message: 'no such task', code: 'TASK_UNKNOWN' } };
    }
    const seen = looks.get(id) ?? 0;
    if (seen > 0 && failures > 0) {
      failures -= 1;
      return { status: 503, body: { message: 'away' } };
    }
    looks.set(id, seen + 1);
    return {
      status: 200,
      body: { ...TASK, ...options.task, id, state: states[Math.min(seen, states.length - 1)] },
    };
  };
  const routes: readonly (readonly [RegExp, (match: RegExpExecArray, url: URL) => Reply])[] = [
    [/^POST \/tasks$/, () => ({ status: 200, body: { id: 'new' } })],
    [/^POST \/tasks\/(.+):cancel$/, () => ({ status: 200, body: {} })],
    [/^GET \/tasks$/, (_match, url) => listPage(url, stored)],
    [/^GET \/tasks\/(.+)$/, (match) => look(match[1] ?? '')],
  ];
  return (method: string, url: URL): Reply => {
    const path = url.pathname.slice(prefix.length);
    const stream = STREAM.exec(url.pathname);
    if (stream !== null && options.streams !== undefined) {
      const text = options.streams[`${stream[1] ?? ''}/${stream[2] ?? ''}`];
      const unknown = { message: 'not kept any more', code: 'LOG_UNKNOWN' };
      return text === undefined ? { status: 404, body: unknown } : { status: 200, body: text };
    }
    if (!url.pathname.startsWith(prefix)) return { status: 404, body: {} };
    const info = legacy ? '/tasks/service-info' : '/service-info';
    if (path === info) return { status: 200, body: { name: 'stub' } };
    if (path.endsWith('service-info')) return { status: 404, body: {} };
    for (const [form, answer] of routes) {
      const match = form.exec(`${method} ${path}`);
      if (match !== null) return answer(match, url);
    }
    return { status: 404, body: {} };
  };
};

const send = (response: ServerResponse, { status, body }: Reply): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

export const startTesStub = async (options: TesStubOptions = {}): Promise<TesStub> => {
  const requests: string[] = [];
  const bodies: unknown[] = [];
  const authorizations: (string | undefined)[] = [];
  const reply = createReply(options);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '/', 'http://stub');
    authorizations.push(request.headers.authorization);
    requests.push(`${method} ${url.pathname}${url.search}`);
    const body = await readBody(request);
    if (body !== undefined) bodies.push(body);
    const allowed = [undefined, request.headers.authorization].includes(options.authorization);
    send(
      response,
      allowed ? reply(method, url) : { status: 401, body: { message: 'who are you' } },
    );
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, requests, bodies, authorizations };
};
