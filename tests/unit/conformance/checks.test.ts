/** The checks find each fault of a server: a right one passes them all, and each of many wrong ones fails where it should. */
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../src/conformance/catalogue.ts';
import {
  NoAnswer,
  type Answer,
  type Http,
  type HttpRequest,
} from '../../../src/conformance/http.ts';
import { runChecks } from '../../../src/conformance/run.ts';
import { createJudge } from '../../../src/conformance/schemas.ts';
import { answerOf, createTinyTes } from '../../support/tiny-tes.ts';

type Json = Record<string, unknown>;

/** A change of what the server is asked, or of what it answers. */
interface Fault {
  readonly ask?: (request: HttpRequest) => HttpRequest;
  readonly tell?: (
    answer: Answer,
    ask: (request: HttpRequest) => Promise<Answer>,
  ) => Answer | Promise<Answer>;
}

const withFault = ({ ask = (request) => request, tell = (answer) => answer }: Fault): Http => {
  const right = createTinyTes();
  return async (request, signal) => {
    const answer = await right(ask(request), signal);
    return tell({ ...answer, request }, (other) => right(other, signal));
  };
};

const judge = createJudge();

const run = async (http: Http, ids: readonly string[] = []) => {
  const { lines } = await runChecks({
    base: 'http://tiny/ga4gh/tes/v1',
    root: 'http://tiny',
    authorization: 'Bearer x',
    run: true,
    image: 'alpine',
    storage: 'file:///data/out',
    origin: undefined,
    maxTasks: 500,
    taskMs: 500,
    runId: '1a2b3c4d',
    http,
    judge,
    checks: CATALOGUE.filter(({ id }) => ids.length === 0 || ids.includes(id)),
    timeoutMs: 15_000,
    stop: new AbortController().signal,
    onStart: () => undefined,
    onLine: () => undefined,
    onCleanUp: () => undefined,
  });
  return lines.filter(({ result }) => result !== 'pass').map(({ id, result }) => `${id} ${result}`);
};

const queryOf = ({ url }: HttpRequest): URLSearchParams => new URL(url).searchParams;
const isOne = ({ method, url }: HttpRequest): boolean =>
  method === 'GET' && /\/tasks\/[^/?:]+(\?|$)/.test(url);
const isList = ({ method, url }: HttpRequest): boolean =>
  method === 'GET' && /\/tasks(\?|$)/.test(url);
const isInfo = ({ url }: HttpRequest): boolean => url.endsWith('/service-info');
const isCreate = ({ method, url }: HttpRequest): boolean =>
  method === 'POST' && url.endsWith('/tasks');
const isCancel = ({ url }: HttpRequest): boolean => /(:|%3A)cancel$/.test(url);
const inView = (view: string) => (request: HttpRequest) =>
  isOne(request) && queryOf(request).get('view') === view;

/** Good answers to some requests with another body. */
const json = (
  where: (request: HttpRequest) => boolean,
  change: (body: Json) => unknown,
): Fault => ({
  tell: (answer) =>
    answer.status === 200 && where(answer.request)
      ? answerOf(answer.request, 200, change(answer.json as Json))
      : answer,
});

/** Answers of one status with another. */
const status = (where: (request: HttpRequest) => boolean, from: number, to: number): Fault => ({
  tell: (answer) =>
    answer.status === from && where(answer.request)
      ? answerOf(answer.request, to, answer.json)
      : answer,
});

const query = (change: (query: URLSearchParams) => void): Fault => ({
  ask: (request) => {
    if (!isList(request)) return request;
    const url = new URL(request.url);
    change(url.searchParams);
    return { ...request, url: url.href };
  },
});

/** Creates of another task than the one that was sent. */
const body = (change: (text: string) => string): Fault => ({
  ask: (request) =>
    isCreate(request) && request.body !== undefined
      ? { ...request, body: change(request.body) }
      : request,
});

/** Creates whose body looks so are 400. */
const refuses = (form: RegExp): Fault => ({
  tell: (answer) =>
    isCreate(answer.request) && form.test(answer.request.body ?? '')
      ? answerOf(answer.request, 400, {})
      : answer,
});

const tasksIn = (page: Json): Json[] => page['tasks'] as Json[];
const logIn = (task: Json): Json => ((task['logs'] ?? []) as Json[])[0] ?? {};
const withLog = (change: (log: Json) => Json) => (task: Json) => ({
  ...task,
  logs: [{ ...logIn(task), ...change(logIn(task)) }],
});
const inExecutorLogs = (change: Json) =>
  withLog((log) => ({ logs: (log['logs'] as Json[]).map((one) => ({ ...one, ...change })) }));

const acceptsAll: Fault = {
  tell: (answer, ask) => {
    if (!isCreate(answer.request) || answer.status !== 400) return answer;
    const good = { name: 'taken', executors: [{ image: 'a', command: ['true'] }] };
    return ask({ ...answer.request, body: JSON.stringify(good) });
  },
};

let turn = 0;

const FAULTS: readonly (readonly [what: string, fault: Fault, found: readonly string[]])[] = [
  [
    'service-info without organisation',
    json(isInfo, ({ organization: _gone, ...rest }) => rest),
    ['T1 fail', 'T2 fail'],
  ],
  ['an empty name', json(isInfo, (info) => ({ ...info, name: '' })), ['T2 fail']],
  [
    'the version of the product as type',
    json(isInfo, (info) => ({
      ...info,
      type: { group: 'org.ga4gh', artifact: 'tes', version: '3.2' },
    })),
    ['T3 fail'],
  ],
  [
    'a URL without scheme',
    json(isInfo, (info) => ({ ...info, documentationUrl: 'example.org' })),
    ['T4 fail'],
  ],
  [
    'storage as text',
    json(isInfo, (info) => ({ ...info, storage: 'file:///data' })),
    ['T1 fail', 'T5 fail'],
  ],
  [
    'a time of update that is now',
    json(isInfo, (info) => ({
      ...info,
      updatedAt: `2030-01-01T00:00:${String(10 + ((turn += 1) % 50))}Z`,
    })),
    ['T6 fail'],
  ],
  [
    'keys of its own in service-info',
    json(isInfo, (info) => ({ ...info, uptime: 1 })),
    ['T8 fail'],
  ],
  [
    'one prefix only',
    {
      tell: (answer) =>
        answer.request.url.includes('/ga4gh/') ? answer : answerOf(answer.request, 404, {}),
    },
    ['T9 fail'],
  ],
  [
    'a page for people where a task should be',
    {
      tell: (answer) =>
        answer.status === 404
          ? {
              ...answer,
              status: 200,
              headers: { 'content-type': 'text/html' },
              text: '<html>',
              json: undefined,
            }
          : answer,
    },
    ['T10 fail', 'T12 fail', 'T54 fail', 'T82 fail'],
  ],
  [
    'any origin with credentials',
    {
      tell: (answer) =>
        answer.request.method === 'OPTIONS'
          ? answerOf(
              answer.request,
              204,
              {},
              { 'access-control-allow-origin': 'x', 'access-control-allow-credentials': 'true' },
            )
          : answer,
    },
    ['T11 fail'],
  ],
  ['201 for a create', status(isCreate, 200, 201), ['T13 fail', 'T14 fail']],
  [
    'more than an id for a create',
    json(isCreate, (made) => ({ ...made, state: 'QUEUED' })),
    ['T13 fail'],
  ],
  ['one id for equal bodies', json(isCreate, () => ({ id: 't0' })), ['T14 fail']],
  [
    'unknown fields kept',
    json(inView('FULL'), (task) => ({ ...task, foo: 1 })),
    ['T19 fail', 'T59 fail'],
  ],
  ['streamable lost', body((text) => text.replace('"streamable":true', '"x":1')), ['T16 fail']],
  [
    'no warning',
    json(
      inView('FULL'),
      withLog(() => ({ system_logs: [] })),
    ),
    ['T17 fail'],
  ],
  [
    'creation_time of the client',
    json(isOne, (task) => ({ ...task, creation_time: '2001-01-01T00:00:00Z' })),
    ['T20 fail'],
  ],
  [
    'content cut at 64 KiB',
    body((text) => text.replace(/x{65536,}|(conformance!\\t.*?){5000,}/, '')),
    ['T21 fail'],
  ],
  [
    'half a core is a fault',
    {
      tell: (answer) =>
        isCreate(answer.request) && answer.request.body?.includes('"cpu_cores":0.5') === true
          ? answerOf(answer.request, 500, {})
          : answer,
    },
    ['T26 fail'],
  ],
  [
    'names without Unicode',
    json(isOne, (task) => ({ ...task, name: String(task['name']).replaceAll(/[^ -~]/g, '?') })),
    ['T27 fail'],
  ],
  [
    'nulls refused',
    {
      tell: (answer) =>
        isCreate(answer.request) && answer.request.body?.includes(':null') === true
          ? answerOf(answer.request, 400, {})
          : answer,
    },
    ['T28 fail'],
  ],
  [
    'strict ignored',
    body((text) => text.replace('"backend_parameters_strict":true', '"x":1')),
    ['T30 fail'],
  ],
  [
    'every body accepted',
    acceptsAll,
    [
      'T30 fail',
      ...[31, 32, 33, 34, 35, 36, 37, 38, 39, 40].map((n) => `T${String(n)} fail`),
      'T41 choice',
      'T42 fail',
      'T43 fail',
      'T44 choice',
      'T45 choice',
      'T46 choice',
    ],
  ],
  [
    '500 for bad JSON',
    {
      tell: (answer) =>
        answer.request.body === '{"executors":' ? answerOf(answer.request, 500, {}) : answer,
    },
    ['T43 fail'],
  ],
  [
    'a stack trace',
    {
      tell: (answer) =>
        answer.status === 404 ? { ...answer, text: 'at f (/srv/app.js:1:2)' } : answer,
    },
    ['T47 fail'],
  ],
  [
    'refusals of different shapes',
    {
      tell: (answer) =>
        answer.status === 404 ? answerOf(answer.request, 404, { error: 'none' }) : answer,
    },
    ['T47 choice'],
  ],
  [
    'extra keys in MINIMAL',
    json(
      (request) => isOne(request) && !queryOf(request).has('view'),
      (task) => ({ ...task, name: 'x' }),
    ),
    ['T48 fail', 'T59 fail'],
  ],
  [
    'BASIC as default',
    {
      ask: (request) =>
        isOne(request) && !queryOf(request).has('view')
          ? { ...request, url: `${request.url}?view=BASIC` }
          : request,
    },
    ['T48 fail'],
  ],
  [
    'nulls in BASIC',
    json(inView('BASIC'), (task) => ({ ...task, description: null })),
    ['T50 fail', 'T55 fail', 'T59 fail'],
  ],
  [
    'BASIC without volumes',
    json(inView('BASIC'), ({ volumes: _gone, ...rest }) => rest),
    ['T50 fail'],
  ],
  [
    'FULL for BASIC',
    { ask: (request) => ({ ...request, url: request.url.replace('view=BASIC', 'view=FULL') }) },
    ['T51 fail', 'T61 fail'],
  ],
  [
    'FULL without streams',
    { ask: (request) => ({ ...request, url: request.url.replace('view=FULL', 'view=BASIC') }) },
    ['T52 fail'],
  ],
  [
    'any view accepted',
    { ask: (request) => ({ ...request, url: request.url.replace('view=XXL', 'view=FULL') }) },
    ['T53 choice'],
  ],
  ['500 for an unknown id', status(isOne, 404, 500), ['T54 fail']],
  ['400 for an unknown id', status(isOne, 404, 400), ['T54 choice']],
  [
    'no logs before the start',
    json(isOne, (task) => (task['state'] === 'QUEUED' ? { ...task, logs: null } : task)),
    ['T55 fail'],
  ],
  ['exit codes as text', json(inView('FULL'), inExecutorLogs({ exit_code: '0' })), ['T56 fail']],
  [
    'sizes as numbers',
    json(
      inView('FULL'),
      withLog((log) => ({
        outputs: (log['outputs'] as Json[]).map((one) => ({ ...one, size_bytes: 4 })),
      })),
    ),
    ['T56 fail'],
  ],
  [
    'times without offset',
    json(isOne, (task) =>
      'creation_time' in task ? { ...task, creation_time: '2030-01-01T00:00:00' } : task,
    ),
    ['T57 fail'],
  ],
  [
    'ends before it starts',
    json(
      inView('FULL'),
      withLog(() => ({ end_time: '2029-01-01T00:00:00Z' })),
    ),
    ['T57 fail'],
  ],
  [
    'an end that is left',
    json(isOne, (task) =>
      task['state'] === 'CANCELED' && (turn += 1) % 3 === 0 ? { ...task, state: 'RUNNING' } : task,
    ),
    ['T58 fail'],
  ],
  [
    'a state of its own',
    json(isOne, (task) => (task['state'] === 'RUNNING' ? { ...task, state: 'STARTED' } : task)),
    ['T58 fail', 'T59 fail'],
  ],
  [
    'null for an empty list',
    json(isList, (page) => (tasksIn(page).length === 0 ? { tasks: null } : page)),
    ['T60 fail'],
  ],
  [
    'names in lists of MINIMAL',
    json(isList, (page) => ({
      ...page,
      tasks: tasksIn(page).map((task) => ({ ...task, name: 'x' })),
    })),
    ['T60 fail', 'T59 fail'],
  ],
  ['MINIMAL for any list', query((asked) => asked.delete('view')), ['T61 fail']],
  [
    'pages of 1000',
    query((asked) => asked.has('page_size') || asked.set('page_size', '1000')),
    ['T62 fail'],
  ],
  [
    'page_size ignored',
    query((asked) => asked.delete('page_size')),
    ['T63 fail', 'T65 fail', 'T64 choice'],
  ],
  [
    'page_size clamped',
    query(
      (asked) =>
        (Number(asked.get('page_size') ?? '1') > 0 &&
          Number(asked.get('page_size') ?? '1') < 2048) ||
        asked.set('page_size', '256'),
    ),
    ['T64 choice'],
  ],
  [
    'no next_page_token',
    json(isList, ({ tasks }) => ({ tasks })),
    ['T62 fail', 'T65 fail', 'T68 fail'],
  ],
  [
    'repeated ids in pages',
    json(isList, (page) => ({ ...page, tasks: [...tasksIn(page), ...tasksIn(page).slice(-1)] })),
    ['T65 fail', 'T63 fail', 'T66 choice'],
  ],
  [
    'the first page for each token',
    query((asked) => asked.delete('page_token')),
    ['T65 fail', 'T68 choice'],
  ],
  [
    'the oldest first',
    json(isList, (page) => ({ ...page, tasks: tasksIn(page).toReversed() })),
    ['T67 choice'],
  ],
  [
    'an order that changes',
    json(isList, (page) => ({
      ...page,
      tasks: (turn += 1) % 2 === 0 ? tasksIn(page) : tasksIn(page).toReversed(),
    })),
    ['T67 fail'],
  ],
  [
    'name_prefix without case',
    query((asked) =>
      asked.set('name_prefix', (asked.get('name_prefix') ?? '').replace(/N\.$/, 'n.')),
    ),
    ['T69 fail'],
  ],
  [
    'name_prefix as a pattern',
    query((asked) =>
      asked.set('name_prefix', (asked.get('name_prefix') ?? '').replace(/[%*]$/, '')),
    ),
    ['T69 fail'],
  ],
  ['state ignored', query((asked) => asked.delete('state')), ['T70 fail']],
  [
    'the first tag only',
    query((asked) => {
      const [key, value] = [asked.get('tag_key'), asked.get('tag_value')];
      asked.delete('tag_key');
      asked.delete('tag_value');
      if (key !== null) asked.set('tag_key', key);
      if (value !== null) asked.set('tag_value', value);
    }),
    ['T72 fail', 'T75 fail', 'T76 choice'],
  ],
  ['tags ignored', query((asked) => asked.delete('tag_key')), ['T71 fail', 'T74 fail']],
  [
    'values ignored',
    query((asked) => asked.delete('tag_value')),
    ['T71 fail', 'T72 fail', 'T77 fail', 'T78 fail'],
  ],
  [
    'a + that becomes a blank',
    query((asked) => asked.set('tag_key', (asked.get('tag_key') ?? '').replaceAll('+', ' '))),
    ['T77 fail'],
  ],
  ['a message for a cancel', json(isCancel, () => ({ message: 'done' })), ['T79 fail', 'T83 fail']],
  [
    'a cancel without effect',
    {
      ask: (request) =>
        isCancel(request)
          ? {
              ...request,
              method: 'GET',
              url: request.url.replace(/(:|%3A)cancel$/, '?view=MINIMAL'),
            }
          : request,
      tell: (answer) =>
        isCancel(answer.request) && answer.status === 200
          ? answerOf(answer.request, 200, {})
          : answer,
    },
    ['T80 fail'],
  ],
  [
    '409 for a second cancel',
    {
      tell: (answer) =>
        isCancel(answer.request) && (turn += 1) > 0 && answer.request.url.includes('/t0:')
          ? answerOf(answer.request, 409, {})
          : answer,
    },
    ['T81 choice'],
  ],
  ['200 for cancelling nothing', status(isCancel, 404, 200), ['T82 fail']],
  [
    '%3Acancel unknown',
    {
      tell: (answer) =>
        answer.request.url.endsWith('%3Acancel') ? answerOf(answer.request, 404, {}) : answer,
    },
    ['T83 fail'],
  ],
  [
    'a cancelled task that ran',
    json(inView('FULL'), (task) =>
      task['state'] === 'CANCELED' ? withLog(() => ({ logs: [{ exit_code: 0 }] }))(task) : task,
    ),
    ['T84 fail'],
  ],
  [
    'a proxy that hangs up on long bodies',
    {
      ask: (request) => {
        if ((request.body ?? '').length > 8 * 1024 * 1024) throw new NoAnswer(request, 'EPIPE');
        return request;
      },
    },
    ['T44 choice'],
  ],
  [
    'credentials for service-info',
    {
      tell: (answer) =>
        isInfo(answer.request) && answer.request.headers['authorization'] === undefined
          ? answerOf(answer.request, 401, {})
          : answer,
    },
    ['T7 choice'],
  ],
  ['type needed', refuses(/"inputs":\[\{"content":"x","path":"[^"]*"\}/), ['T15 fail']],
  ['backend parameters with case', body((text) => text.replace('VMSIZE', 'other')), ['T18 fail']],
  ['long UTF-8 cut', body((text) => text.replace(/ü{1000,}/, '')), ['T22 fail']],
  ['the URL wins', body((text) => text.replace('the content', 'the page')), ['T23 fail']],
  ['empty content refused', refuses(/"content":""/), ['T24 choice']],
  ['zones lost', body((text) => text.replace('"zones":["a"]', '"x":1')), ['T25 fail']],
  [
    'a charset refused',
    {
      tell: (answer) =>
        answer.request.headers['content-type']?.includes('charset') === true
          ? answerOf(answer.request, 415, {})
          : answer,
    },
    ['T29 choice'],
  ],
  ['a name in MINIMAL', json(inView('MINIMAL'), (task) => ({ ...task, name: 'x' })), ['T49 fail']],
  [
    'an empty value as a value',
    query((asked) => {
      if ((asked.get('tag_value') ?? '') === '') asked.set('tag_value', 'none');
    }),
    ['T73 fail'],
  ],
];

const idsOf = (found: readonly string[]): readonly string[] =>
  found.map((text) => text.split(' ')[0] ?? '');

describe('a right server', () => {
  it('passes all 84', async () => {
    expect(CATALOGUE.map(({ id }) => id)).toEqual(
      Array.from({ length: 84 }, (_, n) => `T${String(n + 1)}`),
    );
    expect(await run(createTinyTes())).toEqual([]);
  });
});

describe('a wrong server', () => {
  it.each(FAULTS)('%s', async (_what, fault, found) => {
    expect((await run(withFault(fault), idsOf(found))).toSorted()).toEqual(found.toSorted());
  });

  it('is found by every check, so that none passes whatever comes', () => {
    const found = new Set(FAULTS.flatMap(([, , lines]) => idsOf(lines)));
    const rest = CATALOGUE.filter(({ id }) => !found.has(id)).map(({ id }) => id);
    expect(rest).toEqual([]);
  });
});
