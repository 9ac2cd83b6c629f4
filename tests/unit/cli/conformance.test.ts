/** `magnetar conformance`: what it says, what it answers the shell, what it leaves behind, and where it takes secrets from. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runMagnetar } from '../../../src/cli/magnetar.ts';
import type { Environment } from '../../../src/config/environment.ts';
import type { Answer, HttpRequest } from '../../../src/conformance/http.ts';
import { createCapturedOutput } from '../../support/captured-output.ts';
import { createTempFile } from '../../support/temp-folder.ts';
import { answerOf, createTinyTes, serveTinyTes } from '../../support/tiny-tes.ts';

const signal = new AbortController().signal;

interface Given {
  readonly environment?: Environment;
  readonly isTTY?: boolean;
  readonly stop?: AbortSignal;
}

const run = async (argv: readonly string[], given: Given = {}) => {
  const { environment = {}, isTTY = false, stop = signal } = given;
  const output = createCapturedOutput();
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const createApp = (): never => {
    throw new Error('no application is needed');
  };
  const host = {
    environment,
    output,
    stderr,
    stdin: new PassThrough(),
    createApp,
    findPython: createApp,
    stop,
    cancel: signal,
  };
  const code = await runMagnetar(['conformance', ...argv], host);
  const shown = String((stderr.read() as Buffer | null) ?? '');
  return { code, stdout: output.stdout(), stderr: output.stderr(), shown };
};

/** A right server whose answers a test may change. */
const serve = async (change: (answer: Answer) => Answer = (answer) => answer) => {
  const right = createTinyTes();
  return serveTinyTes(async (request) => change(await right(request, signal)));
};

const unauthorized = (request: HttpRequest): Answer =>
  answerOf(request, 401, { message: 'who are you' });

/** Answers only to this Authorization header. */
const serveGuarded = (authorization: string) =>
  serve((answer) =>
    answer.request.headers['authorization'] === authorization
      ? answer
      : unauthorized(answer.request),
  );

describe('the lines', () => {
  it('tell number, result, level, what holds, what was sent and what came; then a summary', async () => {
    const { url } = await serve();
    const { code, stdout } = await run([url, '--only', 'T13,T67-T68', '--no-run']);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(
      /^T13 {2}pass {4}MUST {8}create answers 200 and exactly an id \| POST \/ga4gh\/tes\/v1\/tasks \(content-type: application\/json\) \{"name":"magnetar-conformance-.* → 200 \{"id":"t0"\}$/,
    );
    expect(lines.map((line) => line.slice(0, 4).trim()).slice(0, 3)).toEqual(['T13', 'T67', 'T68']);
    expect(lines.slice(3)).toEqual([
      '3 pass, 0 fail, 0 choice, 0 skipped',
      '6 tasks created; all have ended',
    ]);
    expect(code).toBe(0);
  });

  it('tell why something fails, with exit code 1', async () => {
    const { url } = await serve((answer) =>
      answer.status === 404 ? answerOf(answer.request, 500, { message: 'oh' }) : answer,
    );
    const { code, stdout } = await run([url, '--only', '82']);
    expect(stdout).toMatch(
      /^T82 {2}fail {4}informative .*: cancelling an unknown task: a fault of the server \| POST \S+unknown:cancel → 500 \{"message":"oh"\}/,
    );
    expect(code).toBe(1);
  });

  it('tell a choice, with exit code 0', async () => {
    const { url } = await serve((answer) =>
      answer.status === 404 ? answerOf(answer.request, 410, {}) : answer,
    );
    const { code, stdout } = await run([url, '--only', 'T82']);
    expect(stdout).toContain('is answered 410, not 404');
    expect(code).toBe(0);
  });

  it('are one JSON document with --json', async () => {
    const { url } = await serve();
    const { stdout } = await run([url, '--only', 'T1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      server: `${url}/ga4gh/tes/v1`,
      summary: { pass: 1, fail: 0, choice: 0, skipped: 0 },
      lines: [{ id: 'T1', level: 'MUST', result: 'pass', requests: 1 }],
      tasks: { created: 0, left: [] },
    });
  });

  it('come with progress on a terminal only', async () => {
    const { url } = await serve();
    expect((await run([url, '--only', 'T1'], { isTTY: true })).shown).toContain(
      '1/1 T1 service-info',
    );
    expect((await run([url, '--only', 'T1'])).shown).toBe('');
  });
});

describe('the server', () => {
  it('keeps no task of the run that has not ended, and each has a name and tag of the run', async () => {
    const { url, requests } = await serve();
    const { stdout } = await run([url, '--only', 'T13-T46', '--no-run']);
    expect(stdout).toContain('tasks created; all have ended');
    const bodies = requests.filter(
      ({ method, url: to }) => method === 'POST' && to.endsWith('/tasks'),
    );
    const marked = bodies.filter(({ body = '' }) => body.includes('"magnetar-conformance":'));
    const unmarked = bodies.filter((one) => !marked.includes(one)).map(({ body = '' }) => body);
    expect(unmarked.filter((body) => !/"tags":null|^\[\]$|^$|^\{"executors":$/.test(body))).toEqual(
      [],
    );
  });

  it('is told of tasks whose create was not answered', async () => {
    const right = createTinyTes();
    const { url, requests } = await serveTinyTes(async (request) => {
      const answer = await right(request, signal);
      return request.method === 'POST' && request.url.endsWith('/tasks')
        ? answerOf(request, 502, { message: 'lost on the way' })
        : answer;
    });
    await run([url, '--only', 'T13']);
    expect(requests.some((one) => one.url.endsWith('/tasks/t0:cancel'))).toBe(true);
  });

  it('gets no more tasks than --max-tasks', async () => {
    const { url } = await serve();
    const { stdout, code } = await run([url, '--only', 'T14,T62', '--max-tasks', '1']);
    expect(stdout).toMatch(/T14 {2}skipped .*more tasks than --max-tasks 1 allows/);
    expect(stdout).toMatch(/T62 {2}skipped .*more tasks than --max-tasks 1 allows/);
    expect(code).toBe(0);
  });

  it('is waited for no longer than --timeout', async () => {
    const right = createTinyTes();
    const { url } = await serveTinyTes(async (request) =>
      request.method === 'DELETE' ? undefined : right(request, signal),
    );
    const { stdout } = await run([url, '--only', 'T12-T13', '--timeout', '1']);
    expect(stdout).toMatch(/T12 {2}skipped .*no time left of 1 s \(--timeout\)/);
    expect(stdout).toMatch(/T13 {2}skipped/);
  });

  it('is left at Ctrl-C, after the tasks are cancelled, with 130', async () => {
    const stop = new AbortController();
    const { url, requests } = await serve((answer) => {
      if (answer.request.url.includes('view=FULL')) stop.abort();
      return answer;
    });
    const { code, stdout } = await run([url, '--only', 'T19-T20'], { stop: stop.signal });
    expect(stdout).toMatch(/T20 {2}skipped .*stopped by the user/);
    expect(requests.at(-1)?.url).toContain('/tasks/t0');
    expect(code).toBe(130);
  });

  it.each([
    ['no prefix', (url: string) => url],
    ['a prefix', (url: string) => `${url}/ga4gh/tes/v1/`],
    ['another prefix', (url: string) => `${url}/v1`],
  ])('is found by a URL with %s', async (_what, form) => {
    const { url } = await serve();
    expect((await run([form(url), '--only', 'T1,T9,T10'])).stdout).toContain('3 pass');
  });
});

describe('secrets', () => {
  it.each([
    ['a file', () => ['--token', createTempFile('token', 's3cret\n')], {}],
    ['a variable', () => ['--token', 'env:MINE'], { MINE: 's3cret' }],
    ['TES_TOKEN', () => [], { TES_TOKEN: 's3cret' }],
  ])('a token comes from %s, and is shown nowhere', async (_what, flags, environment) => {
    const { url } = await serveGuarded('Bearer s3cret');
    const { stdout, code } = await run([url, '--only', 'T1,T13', ...flags()], { environment });
    expect(code).toBe(0);
    expect(stdout).not.toContain('s3cret');
  });

  it('a user with password comes from a file', async () => {
    const { url } = await serveGuarded(`Basic ${Buffer.from('ada:l:ove').toString('base64')}`);
    const { code } = await run([
      url,
      '--only',
      'T1',
      '--user',
      createTempFile('user', 'ada:l:ove'),
    ]);
    expect(code).toBe(0);
  });

  it.each([
    [['--token', 'eyJhbGciOi.a.b'], '--token takes env:NAME or a readable file'],
    [['--token', 'env:NONE'], 'the variable NONE is not set'],
    [['--user', 'env:MINE'], 'must be NAME:PASSWORD'],
    [['--user', 'env:MINE', '--token', 'env:MINE'], 'not both'],
  ])('%j is refused, and what it names is not shown', async (flags, message) => {
    const { code, stderr } = await run(['http://127.0.0.1:1', ...flags], {
      environment: { MINE: 'hidden' },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/hidden|eyJ/);
  });
});

describe('refusals with exit code 1', () => {
  it.each([
    [['http://h', '--only', 'T97'], 'numbers such as T10,T20-T30'],
    [['http://h', '--only', 'x'], 'numbers such as T10,T20-T30'],
    [['http://h', '--timeout', '0'], 'a whole number above 0'],
    [['localhost:8080'], 'is no http(s) URL'],
    [['http://ada:pw@localhost'], 'must not hold credentials'],
    [['http://127.0.0.1:1'], 'cannot reach http://127.0.0.1:1: no answer: ECONNREFUSED'],
    [[], "missing required argument 'url'"],
  ])('%j: %s', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('a server without TES', async () => {
    const { url } = await serve((answer) => answerOf(answer.request, 404, {}));
    const { code, stderr } = await run([url]);
    expect(code).toBe(1);
    expect(stderr).toContain(`no TES API found at ${url}; tried ${url}/ga4gh/tes/v1, `);
  });
});
