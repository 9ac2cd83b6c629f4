/** A real browser without a window, driven over the pipe of its DevTools protocol. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { signalTo } from './pulsar/process.ts';
import { until } from './until.ts';

const PROGRAM = process.env['MAGNETAR_TEST_BROWSER'] ?? 'chromium';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export interface Page {
  goto(url: string): Promise<void>;
  /** The value of an expression in the page; promises are awaited. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits until an expression holds. */
  until(expression: string, what: string): Promise<void>;
  /** Replaces the text of the field that has the focus. */
  type(text: string): Promise<void>;
  /** The window that opens by what is done meanwhile. */
  popup(act: () => Promise<unknown>): Promise<Page>;
  /** From now on these addresses are answered with these pages, whatever listens there, and the browser's questions for a password are refused. */
  intercept(pages?: Readonly<Record<string, string>>): Promise<void>;
  /** Where the browser asked for a password. */
  readonly questions: readonly string[];
  /** Exceptions, lines of the console's error level, and requests that failed. */
  readonly problems: readonly string[];
}

export interface Browser {
  open(): Promise<Page>;
  close(): Promise<void>;
}

type Send = (
  method: string,
  params?: object,
  sessionId?: string,
) => Promise<Record<string, unknown>>;
type Listen = (listener: (message: Message) => void) => void;

/** Messages are JSON texts with a NUL after each. */
const createWire = (input: Writable, output: Readable): { send: Send; listen: Listen } => {
  const waiting = new Map<number, (message: Message) => void>();
  const listeners: ((message: Message) => void)[] = [];
  let rest = '';
  let count = 0;
  output.setEncoding('utf8').on('data', (piece: string) => {
    const texts = (rest + piece).split('\0');
    rest = texts.pop() ?? '';
    for (const text of texts) {
      const message = JSON.parse(text) as Message;
      if (message.id === undefined) for (const listener of listeners) listener(message);
      else waiting.get(message.id)?.(message);
    }
  });
  return {
    listen: (listener) => listeners.push(listener),
    send: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        const id = (count += 1);
        waiting.set(id, ({ result = {}, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(result);
          else reject(new Error(`${method}: ${error.message}`));
        });
        const session = sessionId === undefined ? {} : { sessionId };
        input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
      }),
  };
};

/** What a page may tell of that should not be. */
const PROBLEMS: Readonly<Record<string, (params: Record<string, unknown>) => string | undefined>> =
  {
    'Runtime.exceptionThrown': (params) => JSON.stringify(params['exceptionDetails']),
    'Log.entryAdded': ({ entry }) =>
      (entry as { level: string }).level === 'error' ? JSON.stringify(entry) : undefined,
    'Network.responseReceived': ({ response }) => {
      const { status, url } = response as { status: number; url: string };
      return status >= 400 ? `${String(status)} ${url}` : undefined;
    },
  };

interface Interception {
  readonly call: Send;
  readonly listen: Listen;
  readonly pages: Readonly<Record<string, string>>;
  readonly questions: string[];
}

const intercept = async ({ call, listen, pages, questions }: Interception): Promise<void> => {
  const fulfil = (requestId: unknown, html: string) =>
    call('Fetch.fulfillRequest', {
      requestId,
      responseCode: 200,
      responseHeaders: [{ name: 'content-type', value: 'text/html' }],
      body: Buffer.from(html).toString('base64'),
    });
  listen(({ method = '', params = {} }) => {
    if (!method.startsWith('Fetch.')) return;
    const { requestId, request } = params as { requestId: string; request: { url: string } };
    const page = pages[request.url];
    if (method === 'Fetch.authRequired') {
      questions.push(request.url);
      const authChallengeResponse = { response: 'CancelAuth' };
      void call('Fetch.continueWithAuth', { requestId, authChallengeResponse });
    } else if (page === undefined) void call('Fetch.continueRequest', { requestId });
    else void fulfil(requestId, page);
  });
  await call('Fetch.enable', { handleAuthRequests: true });
};

/** Drives a window that is open. */
const attach = async (send: Send, listen: Listen, targetId: string): Promise<Page> => {
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const call = (method: string, params: object = {}) => send(method, params, String(sessionId));
  const own: Listen = (listener) => {
    listen((message) => {
      if (message.sessionId === sessionId) listener(message);
    });
  };
  const questions: string[] = [];
  const problems: string[] = [];
  own((message) => {
    const problem = PROBLEMS[message.method ?? '']?.(message.params ?? {});
    if (problem !== undefined) problems.push(problem);
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);
  const evaluate = async (expression: string): Promise<unknown> => {
    const wanted = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await call('Runtime.evaluate', wanted);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value?: unknown }).value;
  };
  return {
    problems,
    evaluate,
    async goto(url) {
      await call('Page.navigate', { url });
    },
    async until(expression, what) {
      await until(async () => (await evaluate(expression)) === true, { what, timeoutMs: 60_000 });
    },
    async type(text) {
      await evaluate('document.activeElement.select()');
      await call('Input.insertText', { text });
    },
    async popup(act) {
      const opened = new Promise<string>((resolve) => {
        listen(({ method, params = {} }) => {
          const { targetInfo } = params as { targetInfo?: { openerId?: string; targetId: string } };
          if (method !== 'Target.targetCreated' || targetInfo?.openerId !== targetId) return;
          resolve(targetInfo.targetId);
        });
      });
      await act();
      return attach(send, listen, await opened);
    },
    questions,
    intercept: (pages = {}) => intercept({ call, listen: own, pages, questions }),
  };
};

const openPage = async (send: Send, listen: Listen): Promise<Page> => {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  return attach(send, listen, String(targetId));
};

/** Newer browsers keep pages of other networks from loopback themselves; what is tested is the server, for others do not. */
const NO_HELP_OF_BROWSER = [
  '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
];

export interface BrowserOptions {
  /** Names that lead to addresses of the test, without a port; their pages reach loopback. */
  readonly hosts?: Readonly<Record<string, string>>;
}

export const startBrowser = async ({ hosts = {} }: BrowserOptions = {}): Promise<Browser> => {
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update'];
  const rules = Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`);
  const names =
    rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join(',')}`, ...NO_HELP_OF_BROWSER];
  const child = spawn(
    PROGRAM,
    [...flags, ...quiet, ...names, `--user-data-dir=${profile}`, '--remote-debugging-pipe'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  );
  const ended = once(child, 'exit');
  const { send, listen } = createWire(child.stdio[3] as Writable, child.stdio[4] as Readable);
  await Promise.race([
    send('Browser.getVersion'),
    ended.then(() => {
      throw new Error(`${PROGRAM} does not start`);
    }),
  ]);
  await send('Target.setDiscoverTargets', { discover: true });
  return {
    open: () => openPage(send, listen),
    async close() {
      signalTo(-(child.pid ?? 0), 'SIGKILL'); // its helpers too: they would go on writing into the profile
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
};
