/** What a check works with: requests that are recorded, tasks that are marked, counted and cancelled at the end, and bounded waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../kernel/json.ts';
import type { Answer, Http, HttpRequest } from './http.ts';
import { listOf, textAt } from './json.ts';
import type { Judge } from './schemas.ts';
import { assertStatus, assertThat, Failure, Skipped } from './verdict.ts';
import { createWatch, isEnded, type Watch } from './watch.ts';

export type View = 'MINIMAL' | 'BASIC' | 'FULL';

type Json = Readonly<Record<string, unknown>>;

export interface LabOptions {
  /** Where the server keeps the API: `http://host/ga4gh/tes/v1`. */
  readonly base: string;
  /** `base` without the prefix of TES. */
  readonly root: string;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
  /** Whether tasks may be waited for. */
  readonly run: boolean;
  readonly image: string;
  /** A folder that tasks may write to. */
  readonly storage: string | undefined;
  /** Of a web page that may use the server. */
  readonly origin: string | undefined;
  readonly maxTasks: number;
  /** Longest wait for one task. */
  readonly taskMs: number;
  /** Distinguishes this run in names and tags. */
  readonly runId: string;
  readonly http: Http;
  readonly judge: Judge;
  readonly signal: AbortSignal;
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of `base`. */
  readonly from?: string;
  readonly anonymous?: boolean;
}

export interface Lab {
  readonly options: LabOptions;
  readonly watch: Watch;
  /** Starts the name of each task of this run. */
  readonly prefix: string;
  /** The exchanges since the last call of `begin`. */
  begin(): void;
  trail(): readonly Answer[];
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** A task of this run that does nothing. */
  task(name: string, more?: Json): Json;
  executor(command: readonly string[], more?: Json): Json;
  post(body: unknown): Promise<Answer>;
  /** Creates a task that must be accepted; answers its id. */
  create(body: Json): Promise<string>;
  get(id: string, view?: View): Promise<Answer>;
  list(query: Query): Promise<Answer>;
  cancel(id: string): Promise<Answer>;
  /** Asks until `fits`, at most as long as one task may take. */
  until(id: string, what: string, fits: (state: string) => boolean): Promise<Answer>;
  /** Skips the check when tasks must not, or cannot, be run. */
  mustRun(): void;
  /** The FULL view of a new task at its end. */
  ran(body: Json): Promise<Answer>;
  /** The same value for all checks of a run. */
  once<Value>(name: string, make: () => Promise<Value>): Promise<Value>;
  /** The id of every task that was made, however the answer came to be read. */
  made(): readonly string[];
}

export type Query = readonly (readonly [key: string, value: string])[];

const AT_ONCE = 8;
const FIRST_PAUSE_MS = 50;
const PAUSE_FACTOR = 1.4;
const MAX_PAUSE_MS = 1000;

const queryText = (query: Query): string =>
  query.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');

const taskBodies = ({ options: { image, runId }, prefix }: Pick<Lab, 'options' | 'prefix'>) => {
  const executor: Lab['executor'] = (command, more = {}) => ({ image, command, ...more });
  const task: Lab['task'] = (name, more = {}) => {
    const { tags, ...rest } = more;
    return {
      name: `${prefix}${name}`,
      executors: [executor(['true'])],
      ...rest,
      tags:
        tags === undefined || isRecord(tags) ? { 'magnetar-conformance': runId, ...tags } : tags,
    };
  };
  return { executor, task };
};

/** Sending: bounds the number of tasks, and notes what was made and seen. */
const createSender = (options: LabOptions, watch: Watch) => {
  const made = new Set<string>();
  let trail: Answer[] = [];

  const note = (answer: Answer, isCreate: boolean): void => {
    trail.push(answer);
    const id = textAt(answer.json, 'id');
    if (isCreate && answer.status < 300 && id !== '') made.add(id);
    else watch.see(answer);
  };

  const send: Lab['send'] = async (method, path, sending = {}) => {
    const { headers = {}, from = options.base, anonymous = false } = sending;
    const { authorization, maxTasks } = options;
    const isCreate = method === 'POST' && path === '/tasks';
    if (isCreate && made.size + 1 > maxTasks) {
      throw new Skipped(`needs more tasks than --max-tasks ${String(maxTasks)} allows`);
    }
    const request: HttpRequest = {
      method,
      url: `${from}${path}`,
      headers: {
        ...(authorization === undefined || anonymous ? {} : { authorization }),
        ...headers,
      },
      ...(sending.body === undefined ? {} : { body: sending.body }),
    };
    const answer = await options.http(request, options.signal);
    note(answer, isCreate);
    return answer;
  };
  return {
    send,
    made: () => [...made],
    begin: () => {
      trail = [];
    },
    trail: () => trail,
  };
};

const STUCK = 'an earlier task of this run did not end in time';

/** Waiting: once a task has not ended in time, no other is waited for. */
const createWaits = (lab: Pick<Lab, 'options' | 'get' | 'create'>) => {
  const { run, signal, taskMs } = lab.options;
  let stuck = false;

  const until: Lab['until'] = async (id, what, fits) => {
    if (stuck) throw new Skipped(STUCK);
    const end = performance.now() + taskMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * PAUSE_FACTOR, MAX_PAUSE_MS)) {
      const answer = await lab.get(id);
      assertStatus(answer, 200, `while waiting for ${what}`);
      if (fits(textAt(answer.json, 'state'))) return answer;
      if (performance.now() > end) {
        stuck = true;
        throw new Failure(`waited ${String(taskMs / 1000)} s for ${what} (--task-timeout)`, answer);
      }
      await sleep(pause, undefined, { signal });
    }
  };
  const mustRun = (): void => {
    if (!run) throw new Skipped('needs a task to run (--no-run)');
    if (stuck) throw new Skipped(STUCK);
  };
  const ran: Lab['ran'] = async (body) => {
    mustRun();
    const id = await lab.create(body);
    await until(id, 'the end of the task', isEnded);
    return lab.get(id, 'FULL');
  };
  return { until, mustRun, ran };
};

export const createLab = (options: LabOptions): Lab => {
  const watch = createWatch(options.judge);
  const prefix = `magnetar-conformance-${options.runId}-`;
  const { send, made, begin, trail } = createSender(options, watch);
  const kept = new Map<string, Promise<unknown>>();

  const post: Lab['post'] = (body) =>
    send('POST', '/tasks', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const create: Lab['create'] = async (body) => {
    const answer = await post(body);
    assertStatus(answer, 200, 'create');
    const id = textAt(answer.json, 'id');
    assertThat(id !== '', 'create answers no id', answer);
    return id;
  };
  const get: Lab['get'] = (id, view) =>
    send('GET', `/tasks/${encodeURIComponent(id)}${view === undefined ? '' : `?view=${view}`}`);
  const base = { options, prefix, get, create };
  return {
    ...base,
    ...taskBodies(base),
    ...createWaits(base),
    watch,
    begin,
    trail,
    send,
    post,
    made,
    list: (query) => send('GET', `/tasks${query.length === 0 ? '' : `?${queryText(query)}`}`),
    cancel: (id) => send('POST', `/tasks/${encodeURIComponent(id)}:cancel`),
    async once<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
      const known = kept.get(name) ?? make();
      kept.set(name, known);
      return (await known) as Value;
    },
  };
};

/** Works on all items, a few at a time. */
export const inParallel = async <Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};

export const idsIn = ({ json }: Answer): readonly string[] =>
  listOf(isRecord(json) ? json['tasks'] : undefined).map((task) => textAt(task, 'id'));
