/** The `tes` command against a real HTTP server: prefixes, exit codes, messages. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { basesOf } from '../../../src/cli/tes-client.ts';
import { runningExecutor } from '../../../src/cli/tes-logs.ts';
import { readErrorText, readTask } from '../../../src/cli/tes-task.ts';
import { runTes } from '../../../src/cli/tes.ts';
import { tesEnvironmentOf, type Environment } from '../../../src/config/environment.ts';
import { createCapturedOutput } from '../../support/captured-output.ts';
import { createTempFile } from '../../support/temp-folder.ts';
import { startTesStub, type TesStubOptions } from '../../support/tes-stub.ts';

const run = async (argv: readonly string[], environment: Environment = {}) => {
  const output = createCapturedOutput();
  const code = await runTes(argv, { environment: tesEnvironmentOf(environment), output });
  return { code, stdout: output.stdout(), stderr: output.stderr() };
};

const taskFile = (task: unknown = { executors: [] }): string =>
  createTempFile('task.json', JSON.stringify(task));

const runOn = async (argv: readonly string[], options: TesStubOptions = {}) => {
  const stub = await startTesStub(options);
  return { ...(await run([...argv, '--url', stub.url])), stub };
};

describe('the prefix', () => {
  it.each(['/ga4gh/tes/v1', '/v1', ''])('%j is found', async (prefix) => {
    const { code, stub } = await runOn(['cancel', 'a'], { prefix, states: ['RUNNING'] });
    expect(code).toBe(0);
    expect(stub.requests.at(-1)).toBe(`POST ${prefix}/tasks/a:cancel`);
  });

  it('is found where service-info lies below /tasks', async () => {
    const { code, stdout } = await runOn(['info'], { legacy: true });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ name: 'stub' });
  });

  it('may be part of the URL', async () => {
    const stub = await startTesStub({ prefix: '/deep/ga4gh/tes/v1', states: ['RUNNING'] });
    const { code } = await run(['cancel', 'a'], { TES_URL: `${stub.url}/deep/ga4gh/tes/v1/` });
    expect(code).toBe(0);
    expect(stub.requests[0]).toBe('GET /deep/ga4gh/tes/v1/service-info');
  });

  it('is tried as given first when there is one', () => {
    expect(basesOf('http://h/x/')).toEqual([
      'http://h/x',
      'http://h/x/ga4gh/tes/v1',
      'http://h/x/v1',
    ]);
    expect(basesOf('http://h/')).toEqual(['http://h/ga4gh/tes/v1', 'http://h/v1', 'http://h']);
  });

  it('is missed with a message that names what was tried', async () => {
    const { code, stderr } = await runOn(['ls'], { prefix: '/elsewhere' });
    expect(code).toBe(1);
    expect(stderr).toContain('no TES API found at');
  });
});

describe('a URL', () => {
  it('is refused when its URL lacks the scheme, with an example', async () => {
    const { code, stderr } = await run(['ls', '--url', 'localhost:8080']);
    expect(code).toBe(1);
    expect(stderr).toContain('"localhost:8080" is no http(s) URL; give one such as http://');
  });
});

describe('cancel', () => {
  it('tells what has ended already, and sends nothing for it', async () => {
    const { code, stderr, stub } = await runOn(['cancel', 'a'], { states: ['COMPLETE'] });
    expect(code).toBe(0);
    expect(stderr).toBe('a has ended already: COMPLETE');
    expect(stub.requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });

  it('--json names those that were told', async () => {
    const { stdout } = await runOn(['cancel', 'a', 'b', '--json'], { states: ['RUNNING'] });
    expect(JSON.parse(stdout)).toEqual({ canceled: ['a', 'b'] });
  });
});

describe('submit', () => {
  it('refuses --timeout without --wait', async () => {
    const { code, stderr } = await runOn(['submit', taskFile(), '--timeout', '1']);
    expect(code).toBe(1);
    expect(stderr).toContain('--timeout needs --wait');
  });

  it('prints the id', async () => {
    expect(await runOn(['submit', taskFile()])).toMatchObject({ code: 0, stdout: 'new' });
    const { stdout } = await runOn(['submit', taskFile(), '--json']);
    expect(JSON.parse(stdout)).toEqual({ id: 'new' });
  });

  it.each([
    ['COMPLETE', 0],
    ['EXECUTOR_ERROR', 3],
    ['SYSTEM_ERROR', 4],
    ['PREEMPTED', 4],
    ['CANCELED', 5],
  ])('--wait that ends in %s answers %i', async (state, code) => {
    const states = ['QUEUED', 'INITIALIZING', 'RUNNING', 'CANCELING', state];
    const result = await runOn(['submit', taskFile(), '--wait'], { states });
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(`new RUNNING\nnew CANCELING\nnew ${state}`);
  });

  it('--wait --timeout answers 6 and says how to go on', async () => {
    const argv = ['submit', taskFile(), '--wait', '--timeout', '0.2'];
    const { code, stderr } = await runOn(argv, { states: ['RUNNING'] });
    expect(code).toBe(6);
    expect(stderr).toContain('tes wait new');
  });

  it('--wait --json prints the whole task and nothing else', async () => {
    const { stdout } = await runOn(['submit', taskFile(), '--wait', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ id: 'new', state: 'COMPLETE' });
  });

  it('makes ./ and ../ absolute beside the file and leaves other URLs alone', async () => {
    const file = taskFile({
      executors: [],
      inputs: [{ url: './a b.txt' }, { url: 's3://x/y' }, { content: 'x' }],
      outputs: [{ url: '../out' }],
    });
    const { stub } = await runOn(['submit', file]);
    const beside = (name: string) => pathToFileURL(path.join(path.dirname(file), name)).href;
    expect(stub.bodies[0]).toEqual({
      executors: [],
      inputs: [{ url: beside('a b.txt') }, { url: 's3://x/y' }, { content: 'x' }],
      outputs: [{ url: beside('../out') }],
    });
  });

  it.each([
    ['no file', '/no/such/file', 'cannot read the task'],
    ['no JSON', '{', 'is not JSON'],
    ['a list', '[]', 'must hold one task'],
  ])('refuses %s', async (_what, given, message) => {
    const file = given.startsWith('/') ? given : createTempFile('bad.json', given);
    const { code, stderr } = await runOn(['submit', file]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

describe('wait', () => {
  it('answers for the first task that did not complete', async () => {
    const { code } = await runOn(['wait', 'a', 'b'], { states: ['RUNNING', 'EXECUTOR_ERROR'] });
    expect(code).toBe(3);
  });

  const states = ['RUNNING', 'COMPLETE'];

  it('asks again when the server is away for a moment', async () => {
    expect((await runOn(['wait', 'a'], { states, failures: 3 })).code).toBe(0);
  });

  it('gives up when the server stays away', async () => {
    const { code, stderr } = await runOn(['wait', 'a'], { states, failures: 1000 });
    expect(code).toBe(1);
    expect(stderr).toContain('503: away');
  });

  it('ends with 1 on an unknown task', async () => {
    const { code, stderr } = await runOn(['wait', 'missing']);
    expect(code).toBe(1);
    expect(stderr).toContain('missing: the server answers 404: no such task');
  });
});

describe('ls', () => {
  it('prints a table', async () => {
    const { stdout } = await runOn(['ls'], { stored: 2 });
    expect(stdout.split('\n')).toEqual([
      'ID  STATE     CREATED               NAME',
      't0  COMPLETE  2030-01-01T00:00:00Z  stub',
      't1  COMPLETE  2030-01-01T00:00:00Z  stub',
    ]);
  });

  it('says when there are more', async () => {
    const { stderr } = await runOn(['ls', '--limit', '1'], { stored: 2 });
    expect(stderr).toBe('there are older tasks: --limit N, or --all');
    expect((await runOn(['ls', '--limit', '2'], { stored: 2 })).stderr).toBe('');
  });

  it('passes filters on', async () => {
    const argv = ['ls', '--state', 'running', '--name-prefix', 'a', '--tag', 'k=v=w', '--tag', 'x'];
    const { stub } = await runOn(argv);
    expect(stub.requests.at(-1)).toBe(
      'GET /v1/tasks?view=BASIC&state=RUNNING&name_prefix=a&tag_key=k&tag_value=v%3Dw&tag_key=x&tag_value=&page_size=20',
    );
  });

  it('reads as many pages as the limit needs, or all', async () => {
    const limited = await runOn(['ls', '--limit', '300', '--json'], { stored: 700 });
    expect(JSON.parse(limited.stdout)).toHaveLength(300);
    const all = await runOn(['ls', '--all', '--json'], { stored: 700 });
    expect(JSON.parse(all.stdout)).toHaveLength(700);
  });
});

describe('get and logs', () => {
  it('get asks for the view', async () => {
    const { stub, stdout } = await runOn(['get', 'a', '--view', 'basic']);
    expect(stub.requests.at(-1)).toBe('GET /v1/tasks/a?view=BASIC');
    expect(JSON.parse(stdout)).toMatchObject({ id: 'a' });
  });

  it('logs shows streams, exit code and system logs', async () => {
    const { stdout } = await runOn(['logs', 'a']);
    expect(stdout).toBe(
      '=== executor 0: exit code 3: sh -c x\n--- stdout\nto stdout\n--- stderr\nto stderr\n=== system\nwhy',
    );
  });
});

describe('logs of a task that was killed', () => {
  const killed = { states: ['SYSTEM_ERROR'], task: { logs: [{ system_logs: ['out of time'] }] } };

  it('say that there is no report, and why', async () => {
    const { stdout, code } = await runOn(['logs', 'a'], killed);
    expect(stdout).toBe(
      'a is SYSTEM_ERROR, and none of its executors has reported\n=== system\nout of time',
    );
    expect(code).toBe(0);
    const json = await runOn(['logs', 'a', '--json'], killed);
    expect(JSON.parse(json.stdout)).toMatchObject({ attempts: [{ systemLogs: ['out of time'] }] });
  });

  it('show in full what was written until then', async () => {
    const streams = { 'a/1/0/stdout': 'begun\n', 'a/1/0/stderr': '' };
    const { stdout, code } = await runOn(['logs', 'a', '--full'], { ...killed, streams });
    expect(stdout).toBe(
      '=== executor 0: no exit code: sh -c x\n--- stdout\nbegun\n=== system\nout of time',
    );
    expect(code).toBe(0);
  });
});

describe('logs --full', () => {
  const streams = { 'a/1/0/stdout': 'all of\nstdout\n', 'a/1/0/stderr': 'all of stderr\n' };

  it('shows whole streams in the place of their ends', async () => {
    const { stdout, code, stub } = await runOn(['logs', 'a', '--full'], { streams });
    expect(stdout).toBe(
      '=== executor 0: exit code 3: sh -c x\n--- stdout\nall of\nstdout\n--- stderr\nall of stderr\n=== system\nwhy',
    );
    expect(code).toBe(0);
    expect(stub.requests.at(-1)).toBe('GET /ext/v1/tasks/a/logs/1/0/stderr');
    const json = await runOn(['logs', 'a', '--full', '--json'], { streams });
    const executors = [{ exitCode: 3, stdout: 'all of\nstdout\n', stderr: 'all of stderr\n' }];
    expect(JSON.parse(json.stdout)).toMatchObject({
      id: 'a',
      attempts: [{ executors }],
      missing: [],
    });
  });

  it('names what is not kept any more, shows its end, and fails', async () => {
    const kept = { 'a/1/0/stdout': 'all of stdout\n' };
    const { stdout, stderr, code } = await runOn(['logs', 'a', '--full'], { streams: kept });
    expect(stdout).toContain('all of stdout');
    expect(stdout).toContain('to stderr');
    expect(stderr).toBe('a: attempt 1, executor 0: stderr is not kept any more in full');
    expect(code).toBe(1);
    const json = await runOn(['logs', 'a', '--full', '--json'], { streams: kept });
    expect(JSON.parse(json.stdout)).toMatchObject({
      missing: ['attempt 1, executor 0: stderr'],
    });
  });

  it('says that another server keeps none', async () => {
    const { stderr, stdout, code } = await runOn(['logs', 'a', '--full']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('--full needs Magnetar');
  });
});

describe('runningExecutor', () => {
  const ended = { exitCode: 0, stdout: '', stderr: '' };
  it.each([
    ['before the first log', [], { attempt: 1, executor: 0 }],
    ['after one executor', [{ executors: [ended], systemLogs: [] }], { attempt: 1, executor: 1 }],
    [
      'in a second attempt',
      [
        { executors: [ended, ended], systemLogs: [] },
        { executors: [], systemLogs: [] },
      ],
      { attempt: 2, executor: 0 },
    ],
  ])('finds it %s', (_when, attempts, expected) => {
    expect(runningExecutor({ ...readTask({ state: 'RUNNING' }), attempts })).toEqual(expected);
  });

  it('finds none in a task that does not run', () => {
    expect(runningExecutor(readTask({ state: 'COMPLETE' }))).toBeUndefined();
  });
});

describe('readErrorText', () => {
  it.each([
    [
      { message: 'x is required', details: [{ field: 'x', message: 'is required' }] },
      'x is required',
    ],
    [
      {
        message: 'two things',
        details: [
          { field: 'x', message: 'a' },
          { field: 'y', message: 'b' },
        ],
      },
      'two things\n  x: a\n  y: b',
    ],
  ])('says each thing of %j once', (body, text) => {
    expect(readErrorText(JSON.stringify(body))).toBe(text);
  });
});

describe('usage', () => {
  it.each([
    [[], 'Usage: tes'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['get'], "missing required argument 'id'"],
    [['get', 'a', '--view', 'x'], 'one of MINIMAL, BASIC, FULL'],
    [['wait', 'a', '--timeout', '-1'], 'a number above 0'],
    [['ls', '--limit', '1.5'], 'a whole number above 0'],
    [['ls', '--url', 'nonsense'], 'is no http(s) URL'],
  ])('%j answers 1', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('--help and --version answer 0', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await run(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('says how to start a server when none answers', async () => {
    const { code, stderr } = await run(['ls'], { TES_URL: 'http://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(stderr).toContain('./bin/magnetar serve');
  });
});

describe('credentials', () => {
  it.each([
    [{ TES_TOKEN: 'abc' }, 'Bearer abc'],
    [{ TES_USER: 'me', TES_PASSWORD: 'pw' }, 'Basic bWU6cHc='],
  ])('of %j are sent', async (environment, authorization) => {
    const stub = await startTesStub({ authorization });
    expect((await run(['ls', '--url', stub.url], environment)).code).toBe(0);
  });

  it('that are missing are asked for', async () => {
    const { code, stderr } = await runOn(['ls'], { authorization: 'Bearer abc' });
    expect(code).toBe(1);
    expect(stderr).toContain('set TES_TOKEN');
  });
});
