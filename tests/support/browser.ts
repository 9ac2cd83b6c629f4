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

const openPage = async (send: Send, listen: Listen): Promise<Page> => {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const call = (method: string, params: object = {}) => send(method, params, String(sessionId));
  const problems: string[] = [];
  listen((message) => {
    if (message.sessionId !== sessionId) return;
    const problem = PROBLEMS[message.method ?? '']?.(message.params ?? {});
    if (problem !== undefined) problems.push(problem);
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await call(`${domain}.enable`);
  const evaluate = async (expression: string): Promise<unknown> => {
    const wanted = { expression, awaitPromise: true, returnByValue: true };
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
  };
};

export const startBrowser = async (): Promise<Browser> => {
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update'];
  const child = spawn(
    PROGRAM,
    [...flags, ...quiet, `--user-data-dir=${profile}`, '--remote-debugging-pipe'],
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
  return {
    open: () => openPage(send, listen),
    async close() {
      signalTo(-(child.pid ?? 0), 'SIGKILL'); // its helpers too: they would go on writing into the profile
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
};
