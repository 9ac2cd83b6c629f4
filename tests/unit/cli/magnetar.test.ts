/** The `magnetar` command: arguments, refusals, life of `serve` with a stand-in for the application. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runMagnetar, type MagnetarHost } from '../../../src/cli/magnetar.ts';
import type { App, AppInput } from '../../../src/cli/serve.ts';
import { createCapturedOutput, type CapturedOutput } from '../../support/captured-output.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const IDLE: App = {
  start: () => Promise.resolve({ url: 'http://localhost:8080' }),
  running: () => 0,
  stop: () => Promise.resolve({ running: 0 }),
  cancelAll: () => Promise.resolve(),
};

const createHost = (app: Partial<App> = {}) => {
  const output = createCapturedOutput();
  const inputs: AppInput[] = [];
  const stop = new AbortController();
  const cancel = new AbortController();
  const host: MagnetarHost = {
    environment: {},
    output,
    stderr: new PassThrough(),
    stdin: new PassThrough(),
    createApp: (input) => {
      inputs.push(input);
      return { ...IDLE, ...app };
    },
    findPython: () => Promise.resolve({ path: '/usr/bin/python3', version: '3.11.2' }),
    stop: stop.signal,
    cancel: cancel.signal,
  };
  return { host, output, inputs, stop, cancel };
};

describe('serve', () => {
  it('passes the flags on, says where it listens, and ends with 0 when stopped', async () => {
    const { host, output, inputs, stop } = createHost();
    const data = createTempFolder();
    const files = createTempFolder();
    const argv = ['serve', '--port', '0', '--host', '::1', '--data', data, '--allow', files];
    const ended = runMagnetar([...argv, '--store', 'sqlite:/x/y.db'], host);
    await until(() => output.stdout().includes('listens on http://localhost:8080'));
    stop.abort();
    expect(await ended).toBe(0);
    expect(inputs[0]?.config).toMatchObject({
      data,
      server: { port: 0, host: '::1' },
      store: { url: 'sqlite:/x/y.db' },
      storage: { file: { read: [files], write: [files] } },
    });
    expect(output.stderr()).toContain('stopped; no task is running');
  });

  it('says how many tasks go on', async () => {
    const { host, output, stop } = createHost({ stop: () => Promise.resolve({ running: 2 }) });
    stop.abort();
    expect(await runMagnetar(['serve', '--data', createTempFolder()], host)).toBe(0);
    expect(output.stderr().split('\n').at(-1)).toBe(
      'stopped; 2 running tasks go on and will be found at the next start',
    );
  });

  it('says at the first signal what goes on, and what a second one does', async () => {
    const { host, output, stop } = createHost({ running: () => 1 });
    stop.abort();
    await runMagnetar(['serve', '--data', createTempFolder()], host);
    expect(output.stderr()).toContain(
      'stopping; 1 running task goes on and will be found at the next start. Ctrl-C again cancels what runs and ends at once',
    );
  });

  it('cancels the running tasks at the second signal, then ends with 130', async () => {
    const calls: string[] = [];
    const release = new AbortController();
    const { host, stop, cancel } = createHost({
      running: () => 1,
      stop: async () => {
        await until(() => release.signal.aborted);
        return { running: 0 };
      },
      cancelAll: () => {
        calls.push('cancelAll');
        release.abort();
        return Promise.resolve();
      },
    });
    const ended = runMagnetar(['serve', '--data', createTempFolder()], host);
    stop.abort();
    cancel.abort();
    expect(await ended).toBe(130);
    expect(calls).toEqual(['cancelAll']);
  });

  it('says what a second signal came too late for', async () => {
    const { host, output, stop, cancel } = createHost({
      running: () => 2,
      stop: () => Promise.resolve({ running: 2 }),
    });
    stop.abort();
    cancel.abort();
    expect(await runMagnetar(['serve', '--data', createTempFolder()], host)).toBe(130);
    expect(output.stderr()).toContain('the next start cancels what still runs (2)');
  });

  it.each([
    ['the end', { stop: () => new Promise<never>(() => undefined) }],
    ['the start', { start: () => new Promise<never>(() => undefined) }],
  ])('ends with 130 at the second signal also when %s hangs', async (_what, app) => {
    const { host, output, stop, cancel } = createHost(app);
    const ended = runMagnetar(['serve', '--data', createTempFolder()], host);
    stop.abort();
    await until(() => output.stderr().includes('stopping; no task is running'));
    cancel.abort();
    expect(await ended).toBe(130);
  });

  it.each([
    ['EADDRINUSE', 'is taken'],
    ['EADDRNOTAVAIL', 'is no address of this machine'],
    ['EACCES', 'take a port above 1023'],
  ])('explains %s, stops what had started, and answers 1', async (code, message) => {
    let stopped = false;
    const { host, output } = createHost({
      start: () => Promise.reject(Object.assign(new Error('listen'), { code })),
      stop: () => {
        stopped = true;
        return Promise.resolve({ running: 0 });
      },
    });
    expect(await runMagnetar(['serve', '--data', createTempFolder()], host)).toBe(1);
    expect(output.stderr()).toContain(message);
    expect(stopped).toBe(true);
  });

  it.each([
    ['mongodb://db.example.org/tes', '', 1],
    ['mongodb://db.example.org/tes', 's'.repeat(32), 0],
    ['sqlite:/x/y.db', '', 0],
  ])('on %s with the secret %j warns %i times', async (store, secret, times) => {
    const { host, stop } = createHost();
    stop.abort();
    const stderr = new PassThrough({ encoding: 'utf8' });
    const given = { ...host, stderr, environment: { MAGNETAR_SECRET: secret } };
    const argv = ['serve', '--data', createTempFolder(), '--store', store];
    expect(await runMagnetar(argv, given)).toBe(0);
    expect(String(stderr.read()).split('no `secret` is configured')).toHaveLength(times + 1);
  });

  it('refuses a wrong configuration before anything is built', async () => {
    const { host, output, inputs } = createHost();
    expect(await runMagnetar(['serve', '--port', 'x'], host)).toBe(1);
    expect(output.stderr()).toContain('server.port: must be a whole number');
    expect(inputs).toEqual([]);
  });
});

describe('config', () => {
  it('shows values, sources and destinations', async () => {
    const { host, output } = createHost();
    expect(await runMagnetar(['config', '--port', '8081'], host)).toBe(0);
    expect(output.stdout()).toMatch(/^server\.port +8081 +flag --port$/m);
    expect(output.stdout()).toContain('"name": "local"');
  });

  it('--json is a list of key, value, source', async () => {
    const { host, output } = createHost();
    expect(await runMagnetar(['config', '--json'], host)).toBe(0);
    expect(JSON.parse(output.stdout())).toContainEqual({
      key: 'server.port',
      value: 8080,
      source: 'default',
    });
  });
});

describe('doctor', () => {
  it('has a line for each check', async () => {
    const { host, output } = createHost();
    const argv = ['doctor', '--json', '--port', '0', '--data', createTempFolder()];
    await runMagnetar(argv, host);
    const report = JSON.parse(output.stdout()) as { checks: { name: string; ok: boolean }[] };
    expect(report.checks.map(({ name }) => name)).toEqual([
      'platform',
      'node',
      'data directory',
      'port',
      'python3 with venv',
      'a container runtime',
    ]);
    expect(report.checks.find(({ name }) => name === 'node')?.ok).toBe(true);
  });

  const lines = async (host: MagnetarHost, output: CapturedOutput) => {
    await runMagnetar(['doctor', '--json', '--port', '0', '--data', createTempFolder()], host);
    return (JSON.parse(output.stdout()) as { checks: { name: string; advice?: string }[] }).checks;
  };

  it('says of Python what the server would say', async () => {
    const { host, output } = createHost();
    const findPython = () => Promise.reject(new Error('install one'));
    const checks = await lines({ ...host, findPython }, output);
    expect(checks.find(({ name }) => name.startsWith('python3'))).toMatchObject({
      ok: false,
      advice: 'install one',
    });
  });

  it('asks for neither Python nor a runtime where every Pulsar is elsewhere', async () => {
    const { host, output } = createHost();
    const far = [{ name: 'far', transport: 'rest', url: 'https://pulsar.example.org' }];
    const environment = { MAGNETAR_DESTINATIONS: JSON.stringify(far) };
    const names = (await lines({ ...host, environment }, output)).map(({ name }) => name);
    expect(names).toEqual(['platform', 'node', 'data directory', 'port']);
  });
});

describe('usage', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['serve', '--nonsense'], "unknown option '--nonsense'"],
  ])('%j answers 1', async (argv, message) => {
    const { host, output } = createHost();
    expect(await runMagnetar(argv, host)).toBe(1);
    expect(output.stderr()).toContain(message);
  });

  it('--version answers 0', async () => {
    const { host, output } = createHost();
    expect(await runMagnetar(['--version'], host)).toBe(0);
    expect(output.stdout()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
