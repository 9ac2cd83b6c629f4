/** T48-T78, C8-C13, C15: views of a task through its life, lists, filters and pages. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimed } from '../../../src/tasks/attempts.ts';
import { newJobId } from '../../../src/tasks/ids.ts';
import type { Attempt, Part, Task, TaskHead } from '../../../src/tasks/task.ts';
import {
  bodyOf,
  idOf,
  listedIn,
  MINIMAL_TASK,
  startHarness,
  taskIdOf,
  type Answer,
  type Harness,
} from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.close());

const RICH = {
  name: 'rich',
  description: 'all of it',
  inputs: [{ path: '/in', content: 'text' }],
  outputs: [{ path: '/out', url: 'https://example.org/out' }],
  resources: { cpu_cores: 1 },
  volumes: ['/vol'],
  tags: { a: 'b' },
  executors: [{ image: 'alpine', command: ['x'], stdout: '/so', stderr: '/se', stdin: '/in' }],
};

const attemptOf = (task: Task, change: Partial<Attempt> = {}): Attempt => ({
  n: 1,
  destination: 'here',
  job: newJobId(task.id, 1, 1),
  start: task.created + 10,
  executors: [],
  outputs_n: 0,
  metadata: { host: 'worker-1' },
  ...change,
});

const ended = (task: Task): Partial<TaskHead> => ({
  state: 'COMPLETE',
  ready: false,
  ended: task.created + 40,
  attempts: [
    attemptOf(task, {
      end: task.created + 40,
      outputs_n: 1,
      executors: [
        {
          i: 0,
          start: task.created + 20,
          end: task.created + 30,
          exit_code: 0,
          stdout_bytes: 4,
          stderr_bytes: 0,
        },
      ],
    }),
  ],
});

const partsOf = (id: string): readonly Part[] => {
  const part = (kind: Part['kind'], text: string): Part => ({
    ...{ task: taskIdOf(id), attempt: 1, kind },
    index: 0,
    text,
  });
  const outputs = [{ url: 'https://example.org/out', path: '/out', size_bytes: '4' }];
  return [
    part('stdout', 'said'),
    part('syslog', JSON.stringify(['a line'])),
    part('outputs', JSON.stringify(outputs)),
  ];
};

interface Log {
  readonly logs: readonly Record<string, unknown>[];
  readonly outputs: readonly Record<string, unknown>[];
  readonly metadata?: Record<string, string>;
  readonly start_time?: string;
  readonly end_time?: string;
  readonly system_logs?: readonly string[];
}

const logsOf = (answer: Answer): readonly Log[] => bodyOf(answer)['logs'] as readonly Log[];

describe('views', () => {
  it('T48, T49: MINIMAL is the default and exactly id and state', async () => {
    const id = await h.create(RICH);
    const minimal = await h.call(`tasks/${id}`);
    expect(minimal.json).toEqual({ id, state: 'QUEUED' });
    for (const view of ['MINIMAL', 'minimal', '']) {
      expect((await h.call(`tasks/${id}?view=${view}`)).text).toBe(minimal.text);
    }
  });

  it('T50, T51: BASIC has everything but content, streams and system logs', async () => {
    const id = await h.create(RICH);
    await h.change(id, ended, partsOf(id));
    const answer = await h.call(`tasks/${id}?view=BASIC`);
    const task = bodyOf(answer);
    expect(task).toMatchObject({
      ...RICH,
      inputs: [{ path: '/in', type: 'FILE' }],
      outputs: [{ path: '/out', url: 'https://example.org/out', type: 'FILE' }],
    });
    expect(logsOf(answer)).toHaveLength(1);
    expect(answer.text).not.toMatch(/"content"|"system_logs"|said/);
    expect(Object.keys(logsOf(answer)[0]?.logs[0] ?? {}).sort()).toEqual(
      ['end_time', 'exit_code', 'start_time'].sort(),
    );
  });

  it('T52, T56: FULL has them, with integers, decimal text and text in metadata', async () => {
    const id = await h.create(RICH);
    await h.change(id, ended, partsOf(id));
    const answer = await h.call(`tasks/${id}?view=full`);
    expect(bodyOf(answer)['inputs']).toEqual([{ path: '/in', content: 'text', type: 'FILE' }]);
    expect(logsOf(answer)[0]).toMatchObject({
      logs: [{ exit_code: 0, stdout: 'said', stderr: '' }],
      outputs: [{ url: 'https://example.org/out', path: '/out', size_bytes: '4' }],
      metadata: { host: 'worker-1' },
      system_logs: ['a line'],
    });
  });

  it('T53: an unknown view is 400', async () => {
    const answer = await h.call(`tasks/${await h.create()}?view=XXL`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ details: [{ field: 'view' }] });
    expect((await h.call('tasks?view=XXL')).status).toBe(400);
  });

  it.each(['00000000000000000000000000', 'short', 'UPPER', 'x'.repeat(2000), '%00', 'a%2Fb'])(
    'T54: id %s is 404',
    async (id) => {
      expect((await h.call(`tasks/${id}`)).json).toMatchObject({ code: 'TASK_UNKNOWN' });
      expect((await h.call(`tasks/${id}?view=FULL`)).status).toBe(404);
    },
  );

  it('T55: a task that has not started has one empty log item', async () => {
    const id = await h.create();
    expect(logsOf(await h.call(`tasks/${id}?view=BASIC`))).toEqual([{ logs: [], outputs: [] }]);
    expect(logsOf(await h.call(`tasks/${id}?view=FULL`))).toEqual([
      { logs: [], outputs: [], system_logs: [] },
    ]);
  });

  it('T57: times are RFC 3339 in order; C10: a running attempt has no end', async () => {
    const id = await h.create();
    await h.change(id, (task) => ({
      state: 'RUNNING',
      ready: false,
      attempts: [attemptOf(task)],
    }));
    const running = logsOf(await h.call(`tasks/${id}?view=BASIC`))[0];
    expect(Object.keys(running ?? {}).sort()).toEqual([
      'logs',
      'metadata',
      'outputs',
      'start_time',
    ]);
    await h.change(id, ended);
    const answer = await h.call(`tasks/${id}?view=BASIC`);
    const log = logsOf(answer)[0];
    const times = [bodyOf(answer)['creation_time'], log?.start_time, log?.end_time].map(String);
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect([...times].sort()).toEqual(times);
  });

  it('T93: each attempt is one item, older ones stay', async () => {
    const id = await h.create();
    await h.change(
      id,
      (task) => ({
        state: 'INITIALIZING',
        ready: false,
        attempts: [
          attemptOf(task, { end: task.created + 20, reason: 'the job was lost' }),
          attemptOf(task, { n: 2, start: task.created + 30, metadata: {} }),
        ],
      }),
      partsOf(id),
    );
    const logs = logsOf(await h.call(`tasks/${id}?view=FULL`));
    expect(logs.map(({ system_logs }) => system_logs)).toEqual([
      ['a line', 'the job was lost'],
      [],
    ]);
  });

  it('C40: a task that failed or was cancelled says why, with and without an attempt', async () => {
    const at = Date.now();
    const log = (to: 'SYSTEM_ERROR' | 'CANCELED', reason: string) => [
      { seq: 1, attempt: 0, to: 'QUEUED' as const, at },
      { seq: 2, attempt: 0, from: 'QUEUED' as const, to, at, reason },
    ];
    const waiting = await h.create();
    await h.change(waiting, () => ({
      ...{ state: 'SYSTEM_ERROR', ready: false, ended: at },
      log: log('SYSTEM_ERROR', 'no destination fits'),
    }));
    const failed = await h.create();
    await h.change(
      failed,
      (task) => ({ ...ended(task), state: 'CANCELED', log: log('CANCELED', 'cancelled by x') }),
      partsOf(failed),
    );
    const full = async (id: string) =>
      logsOf(await h.call(`tasks/${id}?view=FULL`))[0]?.system_logs;
    expect(await full(waiting)).toEqual(['no destination fits']);
    expect(await full(failed)).toEqual(['a line', 'cancelled by x']);
  });
});

const ids = (answer: Answer): readonly string[] => listedIn(answer).tasks.map(({ id }) => id);

const names = (answer: Answer): readonly string[] =>
  listedIn(answer)
    .tasks.map(({ name }) => name ?? '')
    .sort();

describe('lists', () => {
  let fresh: Harness;
  beforeEach(async () => {
    fresh = await startHarness();
    return () => fresh.close();
  });

  const createMany = async (count: number, body: object = MINIMAL_TASK): Promise<string[]> => {
    const made: string[] = [];
    for (let n = 0; n < count; n += 1) made.push(await fresh.create(body));
    return made;
  };

  it('T60, T61: an empty list is a list; views apply to each item', async () => {
    expect((await fresh.call('tasks')).json).toEqual({ tasks: [] });
    await createMany(2, RICH);
    const minimal = listedIn(await fresh.call('tasks')).tasks;
    expect(minimal.map((task) => Object.keys(task).length)).toEqual([2, 2]);
    const basic = await fresh.call('tasks?view=BASIC');
    expect(names(basic)).toEqual(['rich', 'rich']);
    expect(basic.text).not.toContain('"content"');
    const full = await fresh.call('tasks?view=FULL');
    expect(full.text.match(/"content":"text"/g)).toHaveLength(2);
  });

  it('T62, T65, T67: 256 a page, newest first, each task once, no token at the end', async () => {
    const made = await createMany(300);
    const first = await fresh.call('tasks');
    expect(ids(first)).toHaveLength(256);
    const token = listedIn(first).next_page_token ?? '';
    const second = await fresh.call(`tasks?page_token=${token}`);
    expect(listedIn(second).next_page_token).toBeUndefined();
    expect([...ids(first), ...ids(second)]).toEqual([...made].reverse());
  });

  it('T63, T65: pages of 1 and 2, and a last page that is exactly full', async () => {
    const made = await createMany(4);
    for (const size of [1, 2]) {
      const seen: string[] = [];
      let token: string | undefined = '';
      for (let page = 0; page < 6 && token !== undefined; page += 1) {
        const answer: Answer = await fresh.call(
          `tasks?page_size=${String(size)}&page_token=${token}`,
        );
        expect(ids(answer).length).toBeLessThanOrEqual(size);
        seen.push(...ids(answer));
        token = listedIn(answer).next_page_token;
      }
      expect(token).toBeUndefined();
      expect(seen).toEqual([...made].reverse());
    }
  });

  it('T64: sizes', async () => {
    for (const size of ['0', '-1', '2048', 'abc', '1.5', '1e3', '99999999999', '%00']) {
      expect((await fresh.call(`tasks?page_size=${size}`)).status).toBe(400);
    }
    for (const size of ['1', '2047', '']) {
      expect((await fresh.call(`tasks?page_size=${size}`)).status).toBe(200);
    }
  });

  it('T66: new tasks between two pages change nothing', async () => {
    const made = await createMany(4);
    const first = await fresh.call('tasks?page_size=2');
    await createMany(3);
    const token = listedIn(first).next_page_token ?? '';
    const second = await fresh.call(`tasks?page_size=2&page_token=${token}`);
    expect([...ids(first), ...ids(second)]).toEqual([...made].reverse());
  });

  it('T68, T78: a token is bound to its filters', async () => {
    await createMany(3, { ...MINIMAL_TASK, name: 'n' });
    const { next_page_token: token = '' } = listedIn(
      await fresh.call('tasks?page_size=1&name_prefix=n'),
    );
    expect((await fresh.call(`tasks?page_token=${token}&name_prefix=n`)).status).toBe(200);
    for (const query of [
      `page_token=${token}`,
      `page_token=${token}&name_prefix=x`,
      'page_token=xyz',
    ]) {
      const answer = await fresh.call(`tasks?${query}`);
      expect(answer.json).toMatchObject({ status: 400, code: 'BAD_PAGE_TOKEN' });
    }
  });

  it('T69: name prefixes are literal and have case', async () => {
    const given = [
      'a.b',
      'a*b',
      'a%b',
      'a_b',
      'a\\b',
      'Ab',
      'ab',
      'xa',
      '😀x',
      'long name '.repeat(9),
    ];
    for (const name of given) await fresh.create({ ...MINIMAL_TASK, name });
    const found = async (prefix: string) =>
      names(await fresh.call(`tasks?view=BASIC&name_prefix=${encodeURIComponent(prefix)}`));
    for (const name of given) expect(await found(name)).toEqual([name]);
    for (const name of given) expect(await found(name.slice(0, -1))).toContain(name);
    expect(await found('b')).toEqual([]);
    expect(await found('A')).toEqual(['Ab']);
    expect(await found('long name long name long name long name X')).toEqual([]);
    expect(await found('')).toHaveLength(given.length);
  });

  it('T70: states', async () => {
    const [one] = await createMany(2);
    await fresh.change(one ?? '', ended);
    expect(ids(await fresh.call('tasks?state=COMPLETE'))).toEqual([one]);
    expect(ids(await fresh.call('tasks?state=QUEUED'))).toHaveLength(1);
    expect(ids(await fresh.call('tasks?state=UNKNOWN'))).toEqual([]);
    expect(ids(await fresh.call('tasks?state='))).toHaveLength(2);
    for (const state of ['NOPE', 'complete', 'toString']) {
      expect((await fresh.call(`tasks?state=${state}`)).status).toBe(400);
    }
  });

  it('T71-T76, C15: tags are zipped by index', async () => {
    const tagged = { x: { a: '1', b: '2', c: '' }, y: { a: '1' }, z: { a: '2', b: '2' } };
    for (const [name, tags] of Object.entries(tagged))
      await fresh.create({ ...MINIMAL_TASK, name, tags });
    const found = async (query: string) => names(await fresh.call(`tasks?view=BASIC&${query}`));
    expect(await found('tag_key=a&tag_value=1')).toEqual(['x', 'y']);
    expect(await found('tag_key=a&tag_value=1&tag_key=b&tag_value=2')).toEqual(['x']);
    expect(await found('tag_key=a&tag_key=b&tag_value=1&tag_value=2')).toEqual(['x']);
    expect(await found('tag_key=b')).toEqual(['x', 'z']);
    expect(await found('tag_key=b&tag_value=')).toEqual(['x', 'z']);
    expect(await found('tag_key=c')).toEqual(['x']);
    expect(await found('tag_key=d')).toEqual([]);
    expect(await found('tag_key=d&tag_value=')).toEqual([]);
    expect(await found('tag_key=a&tag_key=b&tag_key=c&tag_value=1&tag_value=2')).toEqual(['x']);
    expect(await found('tag_key=a&tag_value=1&tag_key=b&tag_value=2&tag_key=c')).toEqual(['x']);
    for (const query of ['tag_value=1', 'tag_key=a&tag_value=1&tag_value=2']) {
      expect((await fresh.call(`tasks?${query}`)).status).toBe(400);
    }
  });

  it('T77, T78: odd characters survive, filters combine with each other and with pages', async () => {
    const tags = { 'k &=+/?#ü😀': 'v &=+%ü😀' };
    for (let n = 0; n < 3; n += 1) await fresh.create({ ...MINIMAL_TASK, name: 'odd', tags });
    await fresh.create({ ...MINIMAL_TASK, name: 'other', tags });
    const query = new URLSearchParams({ name_prefix: 'odd', state: 'QUEUED', page_size: '2' });
    for (const [key, value] of Object.entries(tags)) {
      query.append('tag_key', key);
      query.append('tag_value', value);
    }
    const first = await fresh.call(`tasks?${query.toString()}`);
    query.set('page_token', listedIn(first).next_page_token ?? '');
    const second = await fresh.call(`tasks?${query.toString()}`);
    expect([ids(first).length, ids(second).length]).toEqual([2, 1]);
  });

  it('C15: unknown parameters are ignored; py-tes sends empty ones', async () => {
    await createMany(1);
    const answer = await fresh.call('tasks?view=MINIMAL&page_size=&page_token=&foo=bar&foo=baz');
    expect(ids(answer)).toHaveLength(1);
  });
});

/** As a destination leaves it after its claim. */
const taken = (task: Task): TaskHead =>
  claimed(task, { destination: 'd', epoch: 1, slots: { cores: 0, ram_bytes: 0 }, now: Date.now() });

describe('cancel', () => {
  const cancel = (id: string, init: { body?: string; type?: string; path?: string } = {}) =>
    h.call(init.path ?? `tasks/${id}:cancel`, {
      method: 'POST',
      ...(init.type === undefined ? {} : { headers: { 'content-type': init.type } }),
      ...(init.body === undefined ? {} : { body: init.body }),
    });
  const stateOf = async (id: string) => bodyOf(await h.call(`tasks/${id}`))['state'];

  it.each([
    ['no body', {}],
    ['{}', { body: '{}', type: 'application/json' }],
    ['JSON type and no body', { type: 'application/json' }],
    ['charset', { type: 'application/json; charset=utf-8', body: '' }],
    ['any body', { body: 'not json', type: 'text/plain' }],
  ])('T79, C4: %s', async (_name, init) => {
    const id = await h.create();
    const answer = await cancel(id, init);
    expect([answer.status, answer.json]).toEqual([200, {}]);
    expect(await stateOf(id)).toBe('CANCELED');
  });

  it('T81: a second cancel, and one of an ended task, change nothing', async () => {
    const id = await h.create();
    await cancel(id);
    const before = await h.task(id);
    expect((await cancel(id)).status).toBe(200);
    expect(await h.task(id)).toEqual(before);
    const complete = await h.create();
    await h.change(complete, ended);
    expect((await cancel(complete)).json).toEqual({});
    expect(await stateOf(complete)).toBe('COMPLETE');
  });

  it.each(['00000000000000000000000000', 'short', ''])('T82: unknown id %j is 404', async (id) => {
    expect((await cancel(id)).status).toBe(404);
  });

  it('T83: an encoded colon is one', async () => {
    for (const colon of ['%3A', '%3a']) {
      const id = await h.create();
      expect((await cancel(id, { path: `tasks/${id}${colon}cancel` })).json).toEqual({});
      expect(await stateOf(id)).toBe('CANCELED');
    }
  });

  it('T84: a waiting task ends at once, waits for nobody, and says why', async () => {
    const id = await h.create();
    await cancel(id);
    const { head } = await h.task(id);
    expect(head).toMatchObject({ state: 'CANCELED', ready: false });
    expect(head.ended).toBeDefined();
    expect(head.log.at(-1)).toMatchObject({ from: 'QUEUED', to: 'CANCELED', seq: 2 });
    expect(logsOf(await h.call(`tasks/${id}?view=FULL`))[0]?.system_logs).toEqual([
      'cancelled by the client',
    ]);
  });

  it('leaves a wish on a task that a destination has taken', async () => {
    const id = await h.create();
    await h.change(id, taken);
    expect((await cancel(id)).json).toEqual({});
    const { head } = await h.task(id);
    expect(head).toMatchObject({
      state: 'INITIALIZING',
      cancel: { reason: 'cancelled by the client' },
    });
    expect((await cancel(id)).json).toEqual({});
  });

  it('wins or wishes when it races with a claim', async () => {
    let claimed = false;
    const other = await startHarness((deps) => ({
      store: {
        ...deps.store,
        async get(id, scope, options) {
          const task = await deps.store.get(id, scope, options);
          if (task === undefined || claimed) return task;
          claimed = true; // between the read and the write of the cancel
          await deps.store.write(task.id, { rev: task.rev, ready: true }, taken(task), options);
          return task;
        },
      },
    }));
    try {
      const id = idOf(await other.post(MINIMAL_TASK));
      expect((await other.call(`tasks/${id}:cancel`, { method: 'POST' })).json).toEqual({});
      const { head } = await other.task(id);
      expect(head.state).toBe('INITIALIZING');
      expect(head.cancel).toBeDefined();
    } finally {
      await other.close();
    }
  });
});
