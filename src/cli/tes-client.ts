/** A small TES client over fetch: finds the prefix of any TES server and turns failures into messages that say what to do. */
import { isRecord } from '../kernel/json.ts';
import { UsageError } from './program.ts';
import {
  hasErrorDetails,
  readErrorCode,
  readErrorText,
  readId,
  readPage,
  type TesPage,
} from './tes-task.ts';

export type TesView = 'MINIMAL' | 'BASIC' | 'FULL';

export interface TesClient {
  submit(task: unknown): Promise<string>;
  get(id: string, view: TesView): Promise<unknown>;
  list(query: URLSearchParams): Promise<TesPage>;
  cancel(id: string): Promise<void>;
  /** A whole stream, or what it holds by now; only Magnetar has such an address. */
  stream(id: string, stream: TesStream): Promise<StreamAnswer>;
  serviceInfo(): Promise<unknown>;
}

/** Counted as in /ext/v1: attempts from 1, executors from 0. */
export interface TesStream {
  readonly attempt: number;
  readonly executor: number;
  readonly name: 'stdout' | 'stderr';
}

export type StreamAnswer =
  | { readonly text: string }
  /** Why not; the code is empty where the server gave none. */
  | { readonly status: number; readonly code: string; readonly message: string };

/** A failure that may pass: the server does not answer, or answers 5xx. */
export class TransientError extends UsageError {}

const CALL_LIMIT_MS = 60_000;
/** The first question to a server; something else may listen there. */
const PROBE_LIMIT_MS = 10_000;

const PREFIXES = ['/ga4gh/tes/v1', '/v1', ''];

/** Asked in this order under each prefix; the second is where TES 0.x kept it. */
const PROBES = ['/service-info', '/tasks/service-info', '/tasks?page_size=1&view=MINIMAL'];

/** Candidate bases: a URL with a path is tried as it is first. */
export const basesOf = (url: string): readonly string[] => {
  const given = url.replace(/\/+$/, '');
  const bases = PREFIXES.map((prefix) => `${given}${prefix}`);
  return new URL(given).pathname === '/' ? bases : [given, ...bases.slice(0, -1)];
};

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Call {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly limitMs?: number;
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND') return 'no such host';
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return error instanceof Error ? error.message : String(error);
};

const isJsonObject = (body: string): boolean => {
  try {
    return isRecord(JSON.parse(body) as unknown);
  } catch {
    return false;
  }
};

export interface TesClientOptions {
  readonly url: string;
  /** Value of the Authorization header; undefined = none. */
  readonly authorization: () => Promise<string | undefined>;
}

const REFUSED_ADVICE: Readonly<Record<number, string>> = {
  401: ' (set TES_TOKEN, or TES_USER and TES_PASSWORD, or log in: tes login)',
  403: ' (these credentials may not, or the server refuses this address; see its log)',
};

const adviceFor = (status: number, body: string): string =>
  hasErrorDetails(body) ? '' : (REFUSED_ADVICE[status] ?? '');

type Send = (address: string, call: Call) => Promise<Answer>;

/** Sends one request to the server at `url` and answers whatever it says. */
const createSend =
  ({ url, authorization }: TesClientOptions): Send =>
  async (address, { method = 'GET', body, limitMs = CALL_LIMIT_MS }) => {
    const credentials = await authorization();
    const limit = new AbortController();
    const late = new Error(`no answer within ${String(limitMs / 1000)} s`);
    // AbortSignal.timeout would not keep the process alive, and a server that hangs up at once left it nothing to wait for.
    const timer = setTimeout(() => {
      limit.abort(late);
    }, limitMs);
    try {
      const response = await fetch(address, {
        method,
        signal: limit.signal,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(credentials === undefined ? {} : { authorization: credentials }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      throw new TransientError(
        `cannot reach ${url}: ${reasonOf(error)}\n` +
          'Start a server with ./bin/magnetar serve, or name another by --url or TES_URL.',
      );
    } finally {
      clearTimeout(timer);
    }
  };

/** The base under which the server keeps the TES API. */
const findBase = async (url: string, send: Send): Promise<string> => {
  for (const base of basesOf(url)) {
    for (const probe of PROBES) {
      const { status, body } = await send(`${base}${probe}`, { limitMs: PROBE_LIMIT_MS });
      if (status === 401 || status === 403) return base; // the call itself will say why
      if (status === 200 && isJsonObject(body)) return base;
      if (status >= 500) {
        const text = readErrorText(body);
        throw new TransientError(`${base}${probe} answers ${String(status)}: ${text}`);
      }
    }
  }
  throw new UsageError(`no TES API found at ${url}; tried ${basesOf(url).join(', ')}`);
};

const assertHttpUrl = (url: string): void => {
  if (URL.canParse(url) && /^https?:/.test(url)) return;
  throw new UsageError(
    `"${url}" is no http(s) URL; give one such as http://localhost:8080 by --url or TES_URL`,
  );
};

/** A client of one server; its base is looked up at the first call. */
export const createTesClient = (options: TesClientOptions): TesClient => {
  assertHttpUrl(options.url);
  const send = createSend(options);
  let base: Promise<string> | undefined;
  const knownBase = (): Promise<string> => {
    base ??= findBase(options.url, send).catch((error: unknown) => {
      base = undefined;
      throw error;
    });
    return base;
  };

  const call = async (path: string, options: Call = {}, about = ''): Promise<unknown> => {
    const { status, body } = await send(`${await knownBase()}${path}`, options);
    if (status >= 200 && status < 300) return body === '' ? {} : (JSON.parse(body) as unknown);
    const message = `${about}the server answers ${String(status)}: ${readErrorText(body)}${adviceFor(status, body)}`;
    throw status >= 500 ? new TransientError(message) : new UsageError(message);
  };

  const callTask = (id: string, rest: string, options: Call = {}): Promise<unknown> =>
    call(`/tasks/${encodeURIComponent(id)}${rest}`, options, `${id}: `);

  return {
    submit: async (task) => readId(await call('/tasks', { method: 'POST', body: task })),
    get: (id, view) => callTask(id, `?view=${view}`),
    list: async (query) => readPage(await call(`/tasks?${query.toString()}`)),
    cancel: async (id) => {
      await callTask(id, ':cancel', { method: 'POST', body: {} });
    },
    stream: async (id, { attempt, executor, name }) => {
      const root = (await knownBase()).replace(/(\/ga4gh\/tes)?\/v1$/, '');
      const place = `logs/${String(attempt)}/${String(executor)}/${name}`;
      const address = `${root}/ext/v1/tasks/${encodeURIComponent(id)}/${place}`;
      const { status, body } = await send(address, {});
      if (status === 200) return { text: body };
      return { status, code: readErrorCode(body), message: readErrorText(body) };
    },
    serviceInfo: async () => {
      const found = await knownBase();
      const { status, body } = await send(`${found}/service-info`, {});
      if (status === 200 && isJsonObject(body)) return JSON.parse(body) as unknown;
      return call('/tasks/service-info');
    },
  };
};
