/** The built commands as a newcomer uses them: the examples, the exit codes, the refusals to start. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCommand, startCommand, urlOf } from '../support/built-commands.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { startMongoServer } from '../support/mongo/mongo-server.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await createSite();
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

const example = (name: string): string => path.resolve('examples', name);

const tes = (...argv: readonly string[]) =>
  runCommand('tes', argv, { environment: { TES_URL: server.url } });

const submitted = async (name: string): Promise<string> => {
  const { stdout } = await tes('submit', example(name));
  return stdout.trim();
};

describe('the examples', () => {
  it.each([
    ['hello.json', 'hello from Linux'],
    ['script.json', 'line 5'],
    ['two-steps.json', 'apple\nfig\npear'],
  ])('%s completes and its log shows what it did', async (name, log) => {
    const { code, stdout } = await tes('submit', example(name), '--wait');
    expect(code).toBe(0);
    expect((await tes('logs', stdout.trim())).stdout).toContain(log);
  });

  it('md5.json reads a file and writes one', async () => {
    for (const name of ['md5.json', 'input.txt']) {
      copyFileSync(example(name), path.join(site.files, name));
    }
    expect((await tes('submit', path.join(site.files, 'md5.json'), '--wait')).code).toBe(0);
    const output = readFileSync(path.join(site.files, 'output.md5'), 'utf8');
    expect(output).toBe('aea6b4e31d9a259f1568577e9b27be3d  /data/input.txt\n');
  });

  it('fails.json ends as EXECUTOR_ERROR and says where to look', async () => {
    const { code, said, stdout } = await tes('submit', example('fails.json'), '--wait');
    expect(code).toBe(3);
    expect(said).toContain('see: tes logs');
    const { stdout: log } = await tes('logs', stdout.trim());
    expect(log).toContain('exit code 3');
    expect(log).toContain('this went well');
    expect(log).toContain('no such thing as /data/missing');
  });

  it('progress.json can be waited for a while and cancelled', async () => {
    const id = await submitted('progress.json');
    await server.tes.reached(id, 'RUNNING');
    await until(async () => (await tes('logs', id)).stdout.includes('1 of 30'), {
      timeoutMs: 30_000,
      what: 'the log of the running executor',
    });
    expect((await tes('wait', id, '--timeout', '0.5')).code).toBe(6);
    expect((await tes('cancel', id)).code).toBe(0);
    expect((await tes('wait', id, '--timeout', '30')).code).toBe(5);
  });
});

describe('tes', () => {
  it('takes a task from stdin', async () => {
    const stdin = JSON.stringify({ executors: [{ image: 'busybox', command: ['true'] }] });
    const environment = { TES_URL: server.url };
    const { code } = await runCommand('tes', ['submit', '-', '--wait'], { stdin, environment });
    expect(code).toBe(0);
  });

  it('shows a refused task field by field', async () => {
    const file = path.join(site.files, 'bad.json');
    writeFileSync(file, '{"executors": []}');
    const { code, said } = await tes('submit', file);
    expect(code).toBe(1);
    expect(said).toContain('executors');
  });

  it('lists, gets and describes', async () => {
    const id = await submitted('hello.json');
    expect((await tes('ls', '--name-prefix', 'hello')).stdout).toContain(id);
    expect(JSON.parse((await tes('get', id, '--view', 'MINIMAL')).stdout)).toMatchObject({ id });
    expect(JSON.parse((await tes('info')).stdout)).toMatchObject({ type: { artifact: 'tes' } });
  });

  it('says so when the task is unknown', async () => {
    const { code, said } = await tes('get', 'nonsense');
    expect(code).toBe(1);
    expect(said).toContain('404');
  });
});

/** Two presses of a person, not one that arrives twice. */
const BETWEEN_PRESSES_MS = 200;

const serve = (...argv: readonly string[]) => startCommand('magnetar', ['serve', ...argv]);

describe('tes at a server that is none', () => {
  it('is named when it hangs up at once', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { code, said } = await runCommand('tes', ['ls'], {
      environment: { TES_URL: `http://127.0.0.1:${String(port)}` },
    });
    expect(code).toBe(1);
    expect(said).toContain(`cannot reach http://127.0.0.1:${String(port)}`);
  });
});

describe('magnetar serve refuses to start', () => {
  it('on a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await until(() => other.listening);
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const { ended, said } = serve('--port', port, '--data', createTempFolder());
    expect(await ended).toBe(1);
    expect(said()).toContain(`port ${port} on 127.0.0.1 is taken`);
    other.close();
  });

  it.each([
    ['SQLite', []],
    ['MongoDB', ['--store', 'mongodb://127.0.0.1:9/never-asked']],
  ])('on the data directory of a running server, with %s', async (_store, more) => {
    const { ended, said } = serve('--port', '0', '--data', site.data, ...more);
    expect(await ended).toBe(1);
    expect(said()).toContain(`another Magnetar uses the data directory ${site.data}`);
    expect(said()).not.toContain('    at ');
  });

  it('on the SQLite file of a running server', async () => {
    const file = `sqlite:${path.join(site.data, 'magnetar.db')}`;
    const { ended, said } = serve('--port', '0', '--data', createTempFolder(), '--store', file);
    expect(await ended).toBe(1);
    expect(said()).toContain(path.join(site.data, 'magnetar.db'));
    expect(said()).not.toContain('    at ');
  });

  it.each(['/proc/magnetar/data', '/sys/magnetar', '/dev/null/magnetar'])(
    'on a data directory that cannot be written: %s',
    async (data) => {
      const { ended, said } = serve('--port', '0', '--data', data);
      expect(await ended).toBe(1);
      expect(said()).toContain(`the data directory ${data} cannot be used`);
      expect(said()).not.toContain('    at ');
    },
  );

  it('where no container runs, and says what to do', async () => {
    const own = await createSite({ runtime: 'apptainer' });
    const { ended, said } = serve('--config', own.config, '--data', own.data, '--port', '0');
    expect(await ended).toBe(1);
    expect(said()).toContain('./bin/magnetar doctor says what this machine has');
    expect(said()).not.toContain('    at ');
    await own.remove();
  });

  it('with an embedded destination whose name another data directory has on the same MongoDB', async () => {
    const mongo = await startMongoServer();
    const store = ['--store', mongo.newDatabase()];
    const own = await createSite();
    const first = serve('--config', own.config, '--data', own.data, '--port', '0', ...store);
    await urlOf(first);
    const other = ['--config', own.config, '--data', createTempFolder(), '--port', '0', ...store];
    const second = serve(...other);
    expect(await second.ended).toBe(1);
    expect(second.said()).toContain(`belongs to the Magnetar at ${hostname()}:${own.data}`);
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    const third = serve(...other);
    expect(await third.ended).toBe(1);
    await own.remove();
    await mongo.stop();
  });

  it('with a key it does not know', async () => {
    const file = path.join(createTempFolder(), 'my.toml');
    writeFileSync(file, '[server]\nprt = 1\n');
    const { ended, said } = serve('--config', file);
    expect(await ended).toBe(1);
    expect(said()).toContain('unknown key server.prt');
  });
});

describe('magnetar serve', () => {
  it('stops at SIGTERM and says how many tasks go on, at the next start finds them', async () => {
    const own = await createSite();
    const argv = ['--config', own.config, '--data', own.data, '--port', '0'];
    const first = serve(...argv);
    const environment = { TES_URL: await urlOf(first) };
    const { stdout } = await runCommand('tes', ['submit', example('progress.json')], {
      environment,
    });
    const id = stdout.trim();
    await until(
      async () => {
        const { stdout: shown } = await runCommand('tes', ['get', id], { environment });
        return shown.includes('"RUNNING"');
      },
      { timeoutMs: 30_000, what: 'the task to run' },
    );
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.said().trimEnd().split('\n').at(-1)).toContain('1 running task goes on');
    const second = serve(...argv);
    const again = { environment: { TES_URL: await urlOf(second) } };
    expect((await runCommand('tes', ['wait', id, '--timeout', '60'], again)).code).toBe(0);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    await own.remove();
  });

  it('cancels what runs at a second Ctrl-C and ends with 130', async () => {
    const own = await createSite();
    const argv = ['--config', own.config, '--data', own.data, '--port', '0'];
    const first = serve(...argv);
    const environment = { TES_URL: await urlOf(first) };
    const { stdout } = await runCommand('tes', ['submit', example('progress.json')], {
      environment,
    });
    const id = stdout.trim();
    await until(
      async () => (await runCommand('tes', ['get', id], { environment })).said.includes('RUNNING'),
      { timeoutMs: 30_000, what: 'the task to run' },
    );
    first.signal('SIGINT');
    await until(() => first.said().includes('Ctrl-C again'));
    await sleep(BETWEEN_PRESSES_MS);
    first.signal('SIGINT');
    expect(await first.ended).toBe(130);
    const second = serve(...argv);
    const again = { environment: { TES_URL: await urlOf(second) } };
    expect((await runCommand('tes', ['wait', id, '--timeout', '60'], again)).code).toBe(5);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    await own.remove();
  });
});

describe('magnetar', () => {
  it('config shows values with sources and hides secrets', async () => {
    const environment = { MAGNETAR_STORE__URL: 'mongodb://me:hunter2@localhost/x' };
    const { code, stdout } = await runCommand('magnetar', ['config'], { environment });
    expect(code).toBe(0);
    expect(stdout).toContain('variable MAGNETAR_STORE__URL');
    expect(stdout).not.toContain('hunter2');
  });

  it('doctor finds this machine fit', async () => {
    const argv = ['doctor', '--port', '0', '--data', createTempFolder()];
    const { code, stdout } = await runCommand('magnetar', argv);
    expect(stdout).toMatch(/^ok +bubblewrap/m);
    expect(code).toBe(0);
  });
});
