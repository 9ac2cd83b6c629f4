/** What a task may ask for and what it gets, through the built server, a real Pulsar and real sandboxes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import type { WireTask } from '../support/server/tes-client.ts';
import { until } from '../support/until.ts';

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await createSite({ config: '[storage.http]\nallow = ["127.0.0.1"]' });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

const sh = (script: string, more: object = {}) => ({
  image: 'any',
  command: ['sh', '-c', script],
  ...more,
});

const run = async (task: object): Promise<WireTask> =>
  server.tes.ended(await server.tes.create(task));

const logsOf = (task: WireTask) => task.logs?.[0]?.logs ?? [];
const systemLogsOf = (task: WireTask): string => (task.logs?.[0]?.system_logs ?? []).join('\n');
const file = (name: string): string => join(site.files, name);

describe('files in and out', () => {
  it('md5: an input by plain path, an output by file URL, sizes on the task', async () => {
    writeFileSync(file('in.txt'), 'hello\n');
    const task = await run({
      inputs: [{ url: file('in.txt'), path: '/work/in.txt' }],
      outputs: [{ url: `file://${file('new/deep/out.txt')}`, path: '/work/out.txt' }],
      executors: [sh('md5sum < /work/in.txt > /work/out.txt')],
    });
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    expect(readFileSync(file('new/deep/out.txt'), 'utf8')).toBe(
      'b1946ac92492d2347c6235b4d2611184  -\n',
    );
    expect(task.logs?.[0]?.outputs).toEqual([
      { url: `file://${file('new/deep/out.txt')}`, path: '/work/out.txt', size_bytes: '36' },
    ]);
  });

  it('T21, T23: content of 131072 bytes arrives byte for byte and wins over a URL', async () => {
    const content = 'ü'.repeat(65_536);
    const task = await run({
      inputs: [{ content, url: 'http://127.0.0.1:1/none', path: '/work/in' }],
      executors: [sh('sha256sum < /work/in')],
    });
    const expected = createHash('sha256').update(content).digest('hex');
    expect(logsOf(task)[0]?.stdout).toBe(`${expected}  -\n`);
  });

  it('T90, T91: a folder comes back file by file, a glob sends the matches under its prefix', async () => {
    const task = await run({
      outputs: [
        { url: `${file('tree')}/`, path: '/data/tree', type: 'DIRECTORY' },
        { url: file('globs'), path: '/data/*/x?.b[ae]m', path_prefix: '/data' },
      ],
      executors: [
        sh(
          'mkdir -p /data/tree/sub /data/one && echo 1 > /data/tree/sub/f && cd /data/one && touch x1.bam x2.bem x3.bim',
        ),
      ],
    });
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    const sent = (task.logs?.[0]?.outputs ?? []).map(({ path, url }) => [path, url]);
    expect(sent.toSorted()).toEqual([
      ['/data/one/x1.bam', `${file('globs')}/one/x1.bam`],
      ['/data/one/x2.bem', `${file('globs')}/one/x2.bem`],
      ['/data/tree/sub/f', `${file('tree')}/sub/f`],
    ]);
    expect(readFileSync(file('tree/sub/f'), 'utf8')).toBe('1\n');
  });

  it('C27: outputs of a failed executor are sent, a missing one does not change the verdict', async () => {
    const task = await run({
      outputs: [
        { url: file('after-failure'), path: '/work/made' },
        { url: file('never'), path: '/work/never' },
      ],
      executors: [sh('echo made > /work/made; exit 7')],
    });
    expect(task.state).toBe('EXECUTOR_ERROR');
    expect(logsOf(task)[0]?.exit_code).toBe(7);
    expect(readFileSync(file('after-failure'), 'utf8')).toBe('made\n');
  });

  it('an input that is not there is a system error that says why', async () => {
    const task = await run({
      inputs: [{ url: file('absent'), path: '/work/in' }],
      executors: [sh('true')],
    });
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(systemLogsOf(task)).toContain('INPUT_FAILED');
    expect(logsOf(task)).toEqual([]);
  });
});

describe('an input folder', () => {
  it.each([
    ['nobody but its owner may read', 0o700, {}],
    ['a volume lies in', 0o755, { volumes: ['/in/d/work'] }],
    ['an output lies in', 0o755, { outputs: [{ url: '/', path: '/in/d/results/r' }] }],
  ])('that %s arrives whole', async (what, mode, more) => {
    const folder = file(`folder-${String(mode)}-${what.replaceAll(/\W/g, '')}`);
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'sub/f'), 'deep\n');
    chmodSync(folder, mode);
    const outputs = 'outputs' in more ? [{ url: `${folder}-out`, path: '/in/d/results/r' }] : [];
    const task = await run({
      ...more,
      outputs,
      inputs: [{ url: folder, path: '/in/d', type: 'DIRECTORY' }],
      executors: [sh('cat /in/d/sub/f')],
    });
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    expect(logsOf(task)[0]?.stdout).toBe('deep\n');
  });
});

describe('files over HTTP', () => {
  let origin: HttpServer;
  let base: string;
  const received = new Map<string, string>();

  beforeAll(async () => {
    origin = createServer((req, res) => {
      if (req.method === 'PUT') {
        let body = '';
        req.setEncoding('utf8').on('data', (text: string) => (body += text));
        req.on('end', () => {
          received.set(req.url ?? '', body);
          res.writeHead(201).end();
        });
      } else if (req.url === '/moved') res.writeHead(302, { location: '/in?token=s3cret' }).end();
      else if (req.url?.startsWith('/in') === true) res.end('over http');
      else res.writeHead(404).end('<html>none</html>');
    }).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const address = origin.address();
    base = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
  });

  afterAll(() => {
    origin.close();
  });

  it('an input follows its redirect, an output is PUT', async () => {
    const task = await run({
      inputs: [{ url: `${base}/moved`, path: '/work/in' }],
      outputs: [{ url: `${base}/out`, path: '/work/out' }],
      executors: [sh('tr a-z A-Z < /work/in > /work/out')],
    });
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    expect(received.get('/out')).toBe('OVER HTTP');
  });

  it('a 404 is a system error that names the URL without its query', async () => {
    const task = await run({
      inputs: [{ url: `${base}/none?token=s3cret`, path: '/work/in' }],
      executors: [sh('true')],
    });
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(systemLogsOf(task)).toContain(`${base}/none`);
    expect(systemLogsOf(task)).not.toContain('s3cret');
  });
});

describe('executors', () => {
  it('T85: argv arrives byte for byte', async () => {
    const words = [
      'a//b',
      './c',
      '',
      'd/',
      'http://h/x//y',
      '$HOME',
      '*',
      'a b',
      "'q'",
      '`id`',
      '-x',
      '\\',
      'ü\n',
    ];
    const task = await run({ executors: [{ image: 'any', command: ['printf', '%s|', ...words] }] });
    expect(logsOf(task)[0]?.stdout).toBe(words.map((word) => `${word}|`).join(''));
  });

  it('T86, T87, T89: redirection, env, workdir and a shared volume', async () => {
    const task = await run({
      inputs: [{ content: 'typed', path: '/in/stdin' }],
      outputs: [{ url: file('redirected'), path: '/out/stdout' }],
      volumes: ['/vol/A'],
      executors: [
        sh('test -z "$(ls -A /vol/A)" && cat > /vol/A/kept && printf "%s" "$V" && pwd >&2', {
          stdin: '/in/stdin',
          stdout: '/out/stdout',
          env: { V: 'a "b"\n$HOME' },
          workdir: '/fresh/dir',
        }),
        sh('cat /vol/A/kept'),
      ],
    });
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    expect(readFileSync(file('redirected'), 'utf8')).toBe('a "b"\n$HOME');
    expect(logsOf(task).map(({ stdout, stderr }) => [stdout, stderr])).toEqual([
      ['a "b"\n$HOME', '/fresh/dir\n'],
      ['typed', ''],
    ]);
  });

  it.each([
    ['exit 3', 3],
    ['exit 127', 127],
    ['kill -9 $$', 137],
    ['kill -SEGV $$', 139],
  ])('%s is an executor error with code %i', async (script, code) => {
    const task = await run({ executors: [sh(script), sh('true')] });
    expect(task.state).toBe('EXECUTOR_ERROR');
    expect(logsOf(task).map(({ exit_code }) => exit_code)).toEqual([code]);
  });

  it('T88: a missing program is 127; ignore_error goes on', async () => {
    const missing = { image: 'any', command: ['no-such-program'] };
    const strict = await run({ executors: [missing, sh('true')] });
    expect(strict.state).toBe('EXECUTOR_ERROR');
    expect(logsOf(strict).map(({ exit_code }) => exit_code)).toEqual([127]);
    const lenient = await run({ executors: [{ ...missing, ignore_error: true }, sh('true')] });
    expect(lenient.state).toBe('COMPLETE');
    expect(logsOf(lenient).map(({ exit_code }) => exit_code)).toEqual([127, 0]);
  });

  it('a long log is cut to its end and says so', async () => {
    const task = await run({ executors: [sh('seq 1 60000; echo last')] });
    const text = logsOf(task)[0]?.stdout ?? '';
    expect(Buffer.byteLength(text)).toBeLessThan(70_000);
    expect(text).toMatch(/last\n$/);
    expect(text.split('\n')[0]).toMatch(/cut|bytes/);
  });

  it('C32: each task has a /tmp of its own', async () => {
    const tasks = await Promise.all(
      [1, 2, 3].map(() => run({ executors: [sh('mkdir /tmp/conda')] })),
    );
    expect(tasks.map(({ state }) => state)).toEqual(['COMPLETE', 'COMPLETE', 'COMPLETE']);
  });
});

describe('cancel', () => {
  it('T80: a running task is gone within 5 s and only then CANCELED', async () => {
    const beat = join(site.marks, 'beat');
    const id = await server.tes.create({
      executors: [sh('while true; do echo x >> /marks/beat; sleep 0.1; done')],
    });
    await until(() => size(beat) > 2, { what: 'the first beats' });
    const start = performance.now();
    await server.tes.cancel(id);
    const task = await server.tes.ended(id, 10_000);
    expect(task.state).toBe('CANCELED');
    expect(performance.now() - start).toBeLessThan(5_000);
    const last = size(beat);
    await until(async () => (await run({ executors: [sh('sleep 0.5')] })).state === 'COMPLETE');
    expect(size(beat)).toBe(last);
  });

  it('a task cancelled at once ends CANCELED, whatever it had reached', async () => {
    const ids = await Promise.all(
      Array.from({ length: 8 }, () => server.tes.create({ executors: [sh('sleep 30')] })),
    );
    await Promise.all(ids.map((id) => server.tes.cancel(id)));
    const states = await Promise.all(ids.map(async (id) => (await server.tes.ended(id)).state));
    expect(new Set(states)).toEqual(new Set(['CANCELED']));
  });
});

const size = (path: string): number => {
  try {
    return readFileSync(path).length;
  } catch {
    return 0;
  }
};

describe('what an executor cannot do', () => {
  it('sees neither plan, keys, report, other tasks nor the data folder', async () => {
    mkdirSync(file('kept'), { recursive: true });
    const look = [
      `ls ${site.data}`,
      'find / -path /usr -prune -o \\( -name plan.json -o -name report.json -o -name runner.py -o -name secret \\) -print 2>/dev/null | grep .',
      'tr "\\0" "\\n" < /proc/1/environ | grep -i -E "key|token|secret"',
      `cat ${join(site.data, 'secret')}`,
      `ls ${join(site.data, 'pulsar', 'staging')}`,
      'echo forged > ../metadata/tes/report.json',
    ];
    const task = await run({ executors: look.map((script) => sh(script, { ignore_error: true })) });
    expect(task.state).toBe('COMPLETE');
    expect(logsOf(task).map(({ exit_code, stdout }) => [exit_code === 0, stdout ?? ''])).toEqual(
      look.map(() => [false, '']),
    );
  });
});
