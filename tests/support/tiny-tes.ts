/** A small right TES server in memory, as a function from request to answer, to be made wrong by tests. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { loadContract } from '../../src/api/contract.ts';
import type { Answer, Http, HttpRequest } from '../../src/conformance/http.ts';
import { isMagnetarError, messageOf } from '../../src/kernel/errors.ts';
import { readTask, type ReadTask } from '../../src/tasks/validation/read-task.ts';

type Json = Record<string, unknown>;

interface Stored extends ReadTask {
  readonly id: string;
  state: string;
}

const RULES = {
  schema: loadContract().taskSchema,
  backendParameters: ['VmSize'],
  contentBytes: 1024 * 1024,
};
const BODY_BYTES = 16 * 1024 * 1024;

const TIME = '2030-01-01T00:00:00Z';

const INFO = {
  id: 'org.example.tiny',
  name: 'Tiny',
  organization: { name: 'Example', url: 'https://example.org' },
  type: { group: 'org.ga4gh', artifact: 'tes', version: '1.1.0' },
  version: '1',
  createdAt: TIME,
  updatedAt: TIME,
  storage: ['file:///data'],
  tesResources_backend_parameters: ['VmSize'],
};

class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const ENDED = ['COMPLETE', 'CANCELED'];

/** The programs that the checks run. */
const stdoutOf = ({ spec, contents }: Stored): string => {
  const [program] = spec.executors[0]?.command ?? [];
  const text = contents[0]?.text ?? '';
  if (program === 'sha256sum') return `${createHash('sha256').update(text).digest('hex')}  -\n`;
  return program === 'true' ? '' : text;
};

const inputsOf = ({ spec, contents }: Stored, full: boolean) =>
  spec.inputs?.map(({ content_bytes: _bytes, ...input }, index) => {
    const content = contents.find((one) => one.index === index)?.text;
    return { type: 'FILE', ...input, ...(full && content !== undefined ? { content } : {}) };
  });

const logOf = (task: Stored, full: boolean) => {
  const ran = task.state === 'COMPLETE';
  const streams = full ? { stdout: stdoutOf(task), stderr: '' } : {};
  const outputs = task.spec.outputs ?? [];
  return {
    logs: ran ? [{ start_time: TIME, end_time: TIME, exit_code: 0, ...streams }] : [],
    outputs: ran ? outputs.map(({ url, path }) => ({ url, path, size_bytes: '4' })) : [],
    ...(ran ? { start_time: TIME, end_time: TIME, metadata: { node: 'tiny' } } : {}),
    ...(full ? { system_logs: task.notes } : {}),
  };
};

const render = (task: Stored, view: string): Json => {
  const { id, state, spec } = task;
  if (view === 'MINIMAL') return { id, state };
  const full = view === 'FULL';
  const inputs = inputsOf(task, full);
  return {
    ...spec,
    ...(inputs === undefined ? {} : { inputs }),
    id,
    state,
    creation_time: TIME,
    logs: [logOf(task, full)],
  };
};

const viewOf = (query: URLSearchParams): string => {
  const view = (query.get('view') ?? 'MINIMAL').toUpperCase();
  if (!['MINIMAL', 'BASIC', 'FULL'].includes(view)) throw new Refusal(400, 'no such view');
  return view;
};

const STATES = ['QUEUED', 'RUNNING', 'COMPLETE', 'EXECUTOR_ERROR', 'CANCELED'];

const matches = (task: Stored, query: URLSearchParams): boolean => {
  const state = query.get('state');
  if (state !== null && !STATES.includes(state)) throw new Refusal(400, 'no such state');
  const [keys, values] = [query.getAll('tag_key'), query.getAll('tag_value')];
  if (values.length > keys.length) throw new Refusal(400, 'a value without key');
  return (
    [null, task.state].includes(state) &&
    (task.spec.name ?? '').startsWith(query.get('name_prefix') ?? '') &&
    keys.every((key, index) => {
      const value = task.spec.tags?.[key];
      return value !== undefined && ['', value].includes(values[index] ?? '');
    })
  );
};

const list = (tasks: readonly Stored[], query: URLSearchParams): Json => {
  const size = Number(query.get('page_size') ?? '256');
  if (!(size >= 1 && size <= 2047)) throw new Refusal(400, 'page_size is from 1 to 2047');
  const print = ['name_prefix', 'state', 'tag_key', 'tag_value'].map((key) => query.getAll(key));
  const [last = '', forFilter] = (query.get('page_token') ?? '').split('|');
  const isStart = query.get('page_token') === null;
  if (!isStart && forFilter !== JSON.stringify(print)) throw new Refusal(400, 'no such token');
  const all = tasks.filter((task) => matches(task, query)).toReversed();
  const rest = isStart ? all : all.slice(all.findIndex(({ id }) => id === last) + 1);
  const page = rest.slice(0, size);
  const more =
    rest.length > size
      ? { next_page_token: `${page.at(-1)?.id ?? ''}|${JSON.stringify(print)}` }
      : {};
  return { tasks: page.map((task) => render(task, viewOf(query))), ...more };
};

const create = (tasks: Stored[], { body = '', headers }: HttpRequest): Json => {
  if (body.length > BODY_BYTES) throw new Refusal(413, 'too large');
  if (headers['content-type'] === undefined) throw new Refusal(415, 'no content type');
  const read = readTask(JSON.parse(body), RULES);
  const isForeign = read.spec.inputs?.some(({ url = '' }) => url.startsWith('conformance-none:'));
  if (isForeign === true) throw new Refusal(400, 'no such scheme');
  const id = `t${String(tasks.length)}`;
  tasks.push({ ...read, id, state: 'QUEUED' });
  return { id };
};

/** A look in the default view moves a task on, so that the others can see it wait; sleepers go on until they are cancelled. */
const look = (task: Stored): void => {
  const sleeps = task.spec.executors[0]?.command[0] === 'sleep';
  if (task.state === 'RUNNING' && !sleeps) task.state = 'COMPLETE';
  if (task.state === 'QUEUED') task.state = 'RUNNING';
};

const PATH = /^(?:\/ga4gh\/tes\/v1|\/v1)?(\/service-info|\/tasks(?:\/([^/:]+)(:cancel)?)?)$/;

const route = (tasks: Stored[], request: HttpRequest): Json => {
  const { pathname, searchParams } = new URL(request.url);
  const [, path, id, cancel] = PATH.exec(decodeURIComponent(pathname)) ?? [];
  if (path === undefined) throw new Refusal(404, 'no such path');
  if (path === '/service-info') return INFO;
  if (path === '/tasks') {
    if (request.method === 'POST') return create(tasks, request);
    if (request.method === 'GET') return list(tasks, searchParams);
    throw new Refusal(405, 'no such method', { allow: 'GET, POST' });
  }
  const task = tasks.find((one) => one.id === id);
  if (task === undefined) throw new Refusal(404, 'no such task');
  if (cancel !== undefined) {
    if (!ENDED.includes(task.state)) task.state = 'CANCELED';
    return {};
  }
  if (!searchParams.has('view')) look(task);
  return render(task, viewOf(searchParams));
};

export const answerOf = (
  request: HttpRequest,
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  request,
  status,
  headers: { 'content-type': 'application/json', ...headers },
  text: JSON.stringify(json),
  json,
});

const refusal = (request: HttpRequest, error: unknown): Answer => {
  const message = messageOf(error);
  if (error instanceof Refusal) {
    return answerOf(request, error.status, { status: error.status, message }, error.headers);
  }
  if (error instanceof SyntaxError || isMagnetarError(error)) {
    return answerOf(request, 400, { status: 400, message });
  }
  throw error;
};

export const createTinyTes = (): Http => {
  const tasks: Stored[] = [];
  return (request) => {
    try {
      return Promise.resolve(answerOf(request, 200, route(tasks, request)));
    } catch (error) {
      return Promise.resolve(refusal(request, error));
    }
  };
};

const readRequest = async (incoming: IncomingMessage, url: string): Promise<HttpRequest> => {
  let body = '';
  for await (const chunk of incoming) body += String(chunk);
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: incoming.method ?? '',
    url: `${url}${incoming.url ?? ''}`,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body,
  };
};

export interface TinyServer {
  readonly url: string;
  readonly requests: readonly HttpRequest[];
}

/** The same on a port, until the test ends; a request without an answer is left open. */
export const serveTinyTes = async (
  http: (request: HttpRequest) => Promise<Answer | undefined>,
): Promise<TinyServer> => {
  const requests: HttpRequest[] = [];
  let url = '';
  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming, url);
      requests.push(request);
      const answer = await http(request);
      if (answer === undefined) return;
      response.writeHead(answer.status, answer.headers);
      response.end(answer.text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return { url, requests };
};
