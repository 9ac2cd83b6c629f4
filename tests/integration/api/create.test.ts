/** T13-T47 and C18-C24: what a create request may hold, and how it is refused. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAllowList } from '../../../src/storage/file/allow-list.ts';
import { createHttpRules } from '../../../src/storage/http/http-rules.ts';
import {
  bodyOf,
  idOf,
  listedIn,
  MINIMAL_TASK,
  startHarness,
  taskIdOf,
  type Harness,
} from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.close());

const EXECUTOR = MINIMAL_TASK.executors[0];
const with_ = (fields: object): object => ({ ...MINIMAL_TASK, ...fields });
const executor = (fields: object): object => ({ executors: [{ ...EXECUTOR, ...fields }] });

const full = async (body: unknown): Promise<Record<string, unknown>> =>
  bodyOf(await h.call(`tasks/${await h.create(body)}?view=FULL`));

const systemLogs = (task: Record<string, unknown>): readonly string[] =>
  (task['logs'] as { system_logs?: string[] }[])[0]?.system_logs ?? [];

const countTasks = async (): Promise<number> =>
  listedIn(await h.call('tasks?page_size=2047')).tasks.length;

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly field: string; readonly message: string }[];
}

const refused = async (body: unknown, status = 400): Promise<Refused> => {
  const before = await countTasks();
  const answer = await h.post(body);
  expect(answer.status).toBe(status);
  expect(await countTasks()).toBe(before);
  return answer.json as Refused;
};

const fieldsOf = ({ details }: Refused): readonly string[] => details.map(({ field }) => field);

describe('accepted', () => {
  it('T13, C6: 200 and exactly an id', async () => {
    const answer = await h.post(MINIMAL_TASK);
    expect(answer.status).toBe(200);
    expect(Object.keys(bodyOf(answer))).toEqual(['id']);
    expect(idOf(answer)).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it('T14: the same body twice makes two tasks', async () => {
    expect(await h.create()).not.toBe(await h.create());
  });

  it('T15, T16, C12: absent type becomes FILE, streamable comes back, nothing else is added', async () => {
    const inputs = [{ url: `${h.data}/a`, path: '/a', streamable: true }];
    const outputs = [{ url: `${h.data}/b`, path: '/b' }];
    const task = await full(with_({ inputs, outputs }));
    expect(task['inputs']).toEqual([{ ...inputs[0], type: 'FILE' }]);
    expect(task['outputs']).toEqual([{ ...outputs[0], type: 'FILE' }]);
    expect(Object.keys(task).sort()).toEqual(
      ['creation_time', 'executors', 'id', 'inputs', 'logs', 'outputs', 'state'].sort(),
    );
    expect(task['executors']).toEqual(MINIMAL_TASK.executors);
  });

  it('T17: unknown backend parameters are dropped with a warning in system_logs', async () => {
    const resources = { backend_parameters: { VmSiize: 'x', vmsize: 'y' } };
    const task = await full(with_({ resources }));
    expect(task['resources']).toEqual({ backend_parameters: { VmSize: 'y' } });
    expect(systemLogs(task)).toEqual([
      'resources.backend_parameters.VmSiize is not supported and was ignored',
    ]);
    const none = await full(with_({ resources: { backend_parameters: { other: 'x' } } }));
    expect(none['resources']).toEqual({});
  });

  it('keeps parameters that end in _secret from every view, log and stored body, for the server alone', async () => {
    const other = await startHarness((deps) => ({
      serviceInfo: { ...deps.serviceInfo, backendParameters: ['destination', 'hook_secret'] },
    }));
    try {
      const hush = 'hush-hush-4711';
      const backend_parameters = { Hook_Secret: hush, destination: 'd' };
      const id = await other.create(with_({ resources: { backend_parameters } }));
      const only = await other.create(
        with_({ resources: { backend_parameters: { HOOK_SECRET: hush } } }),
      );
      for (const view of ['MINIMAL', 'BASIC', 'FULL']) {
        for (const path of [`tasks/${id}`, `tasks/${only}`, 'tasks']) {
          expect((await other.call(`${path}?view=${view}`)).text).not.toContain(hush);
        }
      }
      expect((await other.task(id)).spec.resources).toEqual({
        backend_parameters: { destination: 'd' },
      });
      expect((await other.task(only)).spec.resources).toEqual({});
      expect(JSON.stringify([await other.task(id), other.logs])).not.toContain(hush);
      const signal = new AbortController().signal;
      const kept = () => other.store.parts([taskIdOf(id)], ['secret'], { signal });
      expect((await kept()).map(({ kind }) => kind)).toEqual(['secret']);
      expect(JSON.stringify(await kept())).not.toContain(hush);
      await other.call(`tasks/${id}:cancel`, { method: 'POST' });
      expect(await kept()).toEqual([]);
      const refusedBody = with_({
        resources: { backend_parameters: { hook_secret: 'x'.repeat(9000) } },
      });
      const long = await other.post(refusedBody);
      expect(long.status).toBe(400);
      expect(long.text + JSON.stringify(other.logs)).not.toContain('xxx');
    } finally {
      await other.close();
    }
  });

  it('refuses a parameter that is given twice in different case', async () => {
    const resources = { backend_parameters: { VmSize: 'a', vmsize: 'b' } };
    expect(fieldsOf(await refused(with_({ resources })))).toEqual([
      'resources.backend_parameters.vmsize',
    ]);
  });

  it('T18: the case of a supported key does not matter, also when strict', async () => {
    const resources = { backend_parameters: { DESTINATION: 'a' }, backend_parameters_strict: true };
    const id = await h.create(with_({ resources }));
    expect((await h.task(id)).spec.resources).toEqual({
      backend_parameters: { destination: 'a' },
      backend_parameters_strict: true,
    });
  });

  it('T19, C19: unknown fields are dropped everywhere', async () => {
    const task = await full({
      ...executor({ foo: 1 }),
      foo: 1,
      __proto__: undefined,
      resources: { basic_auth: { password: 'open-sesame' } },
    });
    expect(JSON.stringify(task)).not.toMatch(/foo|basic_auth|open-sesame/);
    expect(JSON.stringify(h.logs)).not.toContain('open-sesame');
  });

  it('T20: read-only fields are ignored, so that a fetched task can be sent again', async () => {
    const first = await full(with_({ name: 'again', tags: { a: 'b' } }));
    const second = await full({ ...first, state: 'COMPLETE', creation_time: 'yesterday' });
    expect(second['id']).not.toBe(first['id']);
    expect(second['state']).toBe('QUEUED');
    expect(second['creation_time']).not.toBe('yesterday');
    expect(second['tags']).toEqual({ a: 'b' });
  });

  it.each([
    ['T21', 'x'.repeat(131_072)],
    ['T22', 'ä€😀'.repeat(14_563) + 'ab'],
    ['LIMITS', 'x'.repeat(1_048_576)],
    ['NUL in a file', 'a\0b'],
  ])('%s: content comes back as it was', async (_name, content) => {
    const task = await full(with_({ inputs: [{ path: '/c', content }] }));
    expect(task['inputs']).toEqual([{ path: '/c', content, type: 'FILE' }]);
  });

  it('T23: content beats an unreachable, unsupported or forbidden URL', async () => {
    for (const url of ['gs://nowhere/x', '/etc/passwd', 'nonsense', 'http://10.0.0.1/']) {
      const id = await h.create(with_({ inputs: [{ path: '/c', content: 'x', url }] }));
      expect((await h.task(id)).spec.inputs?.[0]?.content_bytes).toBe(1);
    }
  });

  it('T24, C21: empty content is an empty file without URL, and nothing beside one', async () => {
    const task = await full(with_({ inputs: [{ path: '/c', content: '' }] }));
    expect(task['inputs']).toEqual([{ path: '/c', content: '', type: 'FILE' }]);
    const id = await h.create(with_({ inputs: [{ path: '/c', content: '', url: `${h.data}/x` }] }));
    expect((await h.task(id)).spec.inputs?.[0]?.content_bytes).toBeUndefined();
  });

  it('T25: resources come back as they were', async () => {
    const resources = { cpu_cores: 2, ram_gb: 0.5, disk_gb: 1.5, preemptible: false, zones: ['a'] };
    expect((await full(with_({ resources })))['resources']).toEqual(resources);
  });

  it('T26: a part of a core is rounded up and noted; zero cores mean none were asked', async () => {
    const task = await full(with_({ resources: { cpu_cores: 0.5 } }));
    expect(task['resources']).toEqual({ cpu_cores: 1 });
    expect(systemLogs(task)).toEqual(['cpu_cores 0.5 was rounded up to 1']);
    expect((await full(with_({ resources: { cpu_cores: 0 } })))['resources']).toEqual({});
  });

  it('T27: Unicode, newlines and empty tag values come back exactly', async () => {
    const fields = {
      name: '\'top\' kind-top/instance 😀\n"v1"',
      description: 'Zeile 1\nZeile 2 €',
      tags: { a: '', b: 'x', 'k y=&+': '😀', '': 'empty', toString: 'own', __proto__x: 'y' },
    };
    expect(await full(with_(fields))).toMatchObject(fields);
  });

  it('keeps map keys that JavaScript finds special', async () => {
    const raw =
      '{"executors":[{"image":"a","command":["b"]}],"tags":{"__proto__":"x","constructor":"y"}}';
    const answer = await h.call('tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: raw,
    });
    const task = await h.call(`tasks/${idOf(answer)}?view=BASIC`);
    expect(task.text).toContain('"tags":{"__proto__":"x","constructor":"y"}');
  });

  it('T28, C18: nulls count as absent, in maps too', async () => {
    const task = await full({
      id: null,
      state: null,
      logs: null,
      creation_time: null,
      name: null,
      description: null,
      inputs: null,
      outputs: null,
      volumes: null,
      tags: { a: null, b: 'x' },
      resources: { cpu_cores: null, zones: null, backend_parameters: null, ram_gb: 1 },
      executors: [{ ...EXECUTOR, env: { A: null, B: 'x' }, workdir: null, stdin: null }],
    });
    expect(task).toMatchObject({ tags: { b: 'x' }, resources: { ram_gb: 1 } });
    expect(task['executors']).toEqual([{ ...EXECUTOR, env: { B: 'x' } }]);
  });

  it('T29: a charset is fine, another type or none is 415', async () => {
    const body = JSON.stringify(MINIMAL_TASK);
    const send = async (type: string): Promise<number> =>
      (await h.call('tasks', { method: 'POST', headers: { 'content-type': type }, body })).status;
    expect(await send('application/json; charset=utf-8')).toBe(200);
    expect(await send('APPLICATION/JSON;charset=UTF-8')).toBe(200);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      '',
    ]) {
      expect(await send(type)).toBe(415);
    }
    expect(await send('application/json; charset="utf-8"')).toBe(200);
    expect(await send('application/json; charset=latin1')).toBe(415);
    expect(await send('application/json; charset=utf-16')).toBe(415);
  });

  it('refuses bytes that are not UTF-8 instead of replacing them, and takes a byte order mark', async () => {
    const send = (bytes: Uint8Array<ArrayBuffer>) =>
      h.call('tasks', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: bytes,
      });
    const named = (name: string, encoding: 'latin1' | 'utf8') =>
      Uint8Array.from(Buffer.from(JSON.stringify({ ...MINIMAL_TASK, name }), encoding));
    const refused = await send(named('caf\u00e9', 'latin1'));
    expect(refused.status).toBe(400);
    expect(bodyOf(refused)).toMatchObject({ message: 'the body is not valid UTF-8' });
    const marked = Uint8Array.from([0xef, 0xbb, 0xbf, ...named('caf\u00e9', 'utf8')]);
    expect((await send(marked)).status).toBe(200);
  });

  it('C20: camelCase spellings are accepted; the spelling of the contract wins', async () => {
    const task = await full({
      executors: [{ ...EXECUTOR, ignoreError: true }],
      resources: { cpuCores: 2, ramGb: 1.5, diskGb: 3, backendParameters: { vmsize: 'x' } },
      outputs: [{ path: '/o/*', pathPrefix: '/o', url: `${h.data}/o` }],
    });
    expect(task).toMatchObject({
      executors: [{ ...EXECUTOR, ignore_error: true }],
      resources: { cpu_cores: 2, ram_gb: 1.5, disk_gb: 3, backend_parameters: { VmSize: 'x' } },
      outputs: [{ path: '/o/*', path_prefix: '/o', url: `${h.data}/o`, type: 'FILE' }],
    });
    const both = await full(with_({ resources: { cpuCores: 9, cpu_cores: 3 } }));
    expect(both['resources']).toEqual({ cpu_cores: 3 });
  });

  it('C22: empty lists, maps and texts are fine', async () => {
    const fields = {
      resources: {},
      description: '',
      name: '',
      outputs: [],
      inputs: [],
      tags: {},
      volumes: [],
    };
    expect(
      await full({ ...fields, ...executor({ env: {}, workdir: '', stdout: '' }) }),
    ).toMatchObject({
      ...fields,
      executors: [EXECUTOR],
    });
  });

  it('C21: an argument of almost 128 KiB, and exactly this argv', async () => {
    const command = ['printf', '%s|', 'a//b', './c', '', '$HOME', '*', "'q'", 'x'.repeat(131_071)];
    expect((await full(executor({ command })))['executors']).toEqual([{ ...EXECUTOR, command }]);
  });

  it.each(
    [
      'ubuntu:20.04',
      'quay.io/aptible/ubuntu',
      'myregistryhost:5000/fedora/httpd:version1.0',
    ].concat([
      'alpine@sha256:0123456789abcdef',
      'docker://alpine',
      'oras://registry.example.org/x:1',
      'library://a/b/c:latest',
      '/images/tool 1.2+x.sif',
    ]),
  )('C36: image %s', async (image) => {
    expect((await h.post(executor({ image }))).status).toBe(200);
  });

  it('T40, C26: a prefix without wildcard is ignored; folders may end with a slash', async () => {
    const outputs = [
      { path: '/o/a', path_prefix: 'nonsense/../x', url: `${h.data}/a` },
      { path: '/o/', url: `file://${h.data}/o/`, type: 'DIRECTORY' },
      { path: '/o/[ab]?.txt', path_prefix: '/o', url: h.data },
    ];
    expect((await h.post(with_({ outputs, volumes: ['/vol/', '/tmp'] }))).status).toBe(200);
  });

  it('workdir may be any absolute folder', async () => {
    for (const workdir of ['/', '/proc', '/bin', '/not/there/']) {
      expect((await h.post(executor({ workdir }))).status).toBe(200);
    }
  });

  it('gzip bodies are read, other encodings are refused', async () => {
    const body = new Uint8Array(gzipSync(JSON.stringify(MINIMAL_TASK)));
    const send = async (encoding: string): Promise<number> => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      return (await h.call('tasks', { method: 'POST', headers, body })).status;
    };
    expect(await send('gzip')).toBe(200);
    expect(await send('compress')).toBe(415);
    expect(await send('identity')).toBe(400);
  });
});

const PATHS = [
  'data/x',
  './x',
  '/a/../b',
  '/..',
  '/a\0b',
  '/a\ud800',
  '/',
  '/etc',
  '/usr/bin/',
].concat(['/usr/local/lib', '/usr/libx32', '/var/cache']);
const KERNEL = ['/proc/self/x', '/sys', '/dev/shm/x'];

/** [what, body, the field that must be named] */
const REFUSED: readonly (readonly [string, unknown, string])[] = [
  [
    'T30 strict',
    with_({ resources: { backend_parameters: { x: '1' }, backend_parameters_strict: true } }),
    'resources.backend_parameters.x',
  ],
  ['T31', { name: 'x' }, 'executors'],
  ['T32', { executors: [] }, 'executors'],
  ['T33 absent', { executors: [{ command: ['a'] }] }, 'executors[0].image'],
  ['T33 empty', executor({ image: '' }), 'executors[0].image'],
  ['T34 absent', { executors: [{ image: 'a' }] }, 'executors[0].command'],
  ['T34 empty', executor({ command: [] }), 'executors[0].command'],
  ['T35', executor({ command: ['a', 1] }), 'executors[0].command[1]'],
  ['T35 null', executor({ command: ['a', null] }), 'executors[0].command[1]'],
  ['no program', executor({ command: [''] }), 'executors[0].command[0]'],
  ['T36 no path', with_({ inputs: [{ content: 'x' }] }), 'inputs[0].path'],
  ['T36 no source', with_({ inputs: [{ path: '/x' }] }), 'inputs[0].url'],
  ['T36 empty url', with_({ inputs: [{ path: '/x', url: '' }] }), 'inputs[0].url'],
  ['T37 no url', with_({ outputs: [{ path: '/x' }] }), 'outputs[0].url'],
  ['T37 no path', with_({ outputs: [{ url: '/x' }] }), 'outputs[0].path'],
  ['T37 empty url', with_({ outputs: [{ path: '/x', url: '' }] }), 'outputs[0].url'],
  ...PATHS.concat(KERNEL).flatMap((path) => [
    [
      `T36, T45 input ${JSON.stringify(path)}`,
      with_({ inputs: [{ path, content: '' }] }),
      'inputs[0].path',
    ] as const,
    [
      `T37, T45 output ${JSON.stringify(path)}`,
      with_({ outputs: [{ path, url: '/x' }] }),
      'outputs[0].path',
    ] as const,
    [`T38 volume ${JSON.stringify(path)}`, with_({ volumes: [path] }), 'volumes[0]'] as const,
    [`T38 stdin ${JSON.stringify(path)}`, executor({ stdin: path }), 'executors[0].stdin'] as const,
  ]),
  ['T38 stdout', executor({ stdout: 'x' }), 'executors[0].stdout'],
  ['T38 stderr', executor({ stderr: 'x' }), 'executors[0].stderr'],
  ['relative workdir', executor({ workdir: 'x' }), 'executors[0].workdir'],
  ['T39', with_({ inputs: [{ path: '/x', content: '', type: 'LINK' }] }), 'inputs[0].type'],
  [
    'content of a folder',
    with_({ inputs: [{ path: '/x', content: 'a', type: 'DIRECTORY' }] }),
    'inputs[0].type',
  ],
  ['T40', with_({ outputs: [{ path: '/o/*', url: '/x' }] }), 'outputs[0].path_prefix'],
  [
    'T41',
    with_({ outputs: [{ path: '/o/*', path_prefix: '/p', url: '/x' }] }),
    'outputs[0].path_prefix',
  ],
  [
    'T41 half a name',
    with_({ outputs: [{ path: '/out/*', path_prefix: '/o', url: '/x' }] }),
    'outputs[0].path_prefix',
  ],
  [
    'T41 relative',
    with_({ outputs: [{ path: '/o/*', path_prefix: 'o', url: '/x' }] }),
    'outputs[0].path_prefix',
  ],
  [
    'a pattern right in a system folder',
    with_({ outputs: [{ path: '/etc/*.conf', path_prefix: '/etc', url: '/x' }] }),
    'outputs[0].path',
  ],
  ['T42 env', executor({ env: { A: 1 } }), 'executors[0].env.A'],
  ['T42 tags', with_({ tags: { 'a b': 1 } }), 'tags["a b"]'],
  ['tags list', with_({ tags: ['a'] }), 'tags'],
  ['env name', executor({ env: { 'A=B': 'x' } }), 'executors[0].env["A=B"]'],
  ['env empty name', executor({ env: { '': 'x' } }), 'executors[0].env[""]'],
  ['env NUL', executor({ env: { A: 'x\0' } }), 'executors[0].env.A'],
  ['long argument', executor({ command: ['x'.repeat(131_072)] }), 'executors[0].command[0]'],
  [
    'long arguments',
    executor({ command: Array<string>(9).fill('x'.repeat(130_000)) }),
    'executors[0].command',
  ],
  [
    'T44 content',
    with_({ inputs: [{ path: '/x', content: 'ä'.repeat(524_289) }] }),
    'inputs[0].content',
  ],
  ['long path', with_({ inputs: [{ path: '/x'.repeat(2048), content: '' }] }), 'inputs[0].path'],
  ['long name of a path', with_({ volumes: ['/' + 'x'.repeat(256)] }), 'volumes[0]'],
  ['image with a command', executor({ image: '; rm -rf /' }), 'executors[0].image'],
  ['image with a flag', executor({ image: '--privileged' }), 'executors[0].image'],
  ['image with a bind', executor({ image: '-v/:/h' }), 'executors[0].image'],
  ['image path', executor({ image: '/a/../b' }), 'executors[0].image'],
  ['image 513', executor({ image: 'x'.repeat(513) }), 'executors[0].image'],
  ['negative ram', with_({ resources: { ram_gb: -1 } }), 'resources.ram_gb'],
  ['huge disk', with_({ resources: { disk_gb: 1e300 } }), 'resources.disk_gb'],
  ['negative cores', with_({ resources: { cpu_cores: -0.5 } }), 'resources.cpu_cores'],
  ['cores as text', with_({ resources: { cpu_cores: '2' } }), 'resources.cpu_cores'],
  ['surrogate in a name', with_({ name: 'a\udc00' }), 'name'],
  ['NUL in a tag key', with_({ tags: { 'a\0': 'x' } }), 'tags["a\\u0000"]'],
  ['1001 executors', { executors: Array(1001).fill(EXECUTOR) }, 'executors'],
  ['null in inputs', with_({ inputs: [null] }), 'inputs[0]'],
  ['executor as text', { executors: ['x'] }, 'executors[0]'],
  ['executors as map', { executors: {} }, 'executors'],
];

describe('refused', () => {
  it.each(REFUSED)('%s: 400', async (_name, body, field) => {
    const { code, details } = await refused(body);
    expect(code).toBe('BAD_TASK');
    expect(details.map((problem) => problem.field)).toContain(field);
  });

  it('tells every problem of a body at once', async () => {
    const answer = await refused({
      executors: [{ image: '; rm -rf /', command: ['a', 1], stdin: 'x' }, { command: [] }],
      inputs: [{ path: 'rel' }],
      outputs: [{ path: '/o/*', url: '/x' }],
      volumes: [7],
      resources: { ram_gb: 'x', backend_parameters: { q: '1' }, backend_parameters_strict: true },
    });
    expect([...fieldsOf(answer)].sort()).toEqual(
      [
        ...['executors[0].image', 'executors[0].command[1]', 'executors[0].stdin'],
        ...['executors[1].image', 'executors[1].command', 'inputs[0].path', 'inputs[0].url'],
        ...['outputs[0].path_prefix', 'volumes[0]', 'resources.ram_gb'],
        'resources.backend_parameters.q',
      ].sort(),
    );
  });

  it.each(['{', '', '[]', '"x"', 'null', '1', '[[', '{"executors":'.repeat(10)])(
    'T43: body %j is 400',
    async (body) => {
      const headers = { 'content-type': 'application/json' };
      expect((await h.call('tasks', { method: 'POST', headers, body })).status).toBe(400);
    },
  );

  it('T43: deep nesting is 400, wherever it lies', async () => {
    const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    const headers = { 'content-type': 'application/json' };
    const executors = JSON.stringify(MINIMAL_TASK.executors);
    const bodies = [deep(100_000), `{"executors":${deep(100_000)}}`];
    for (const body of [...bodies, `{"executors":${executors},"foo":${deep(100_000)}}`]) {
      expect((await h.call('tasks', { method: 'POST', headers, body })).status).toBe(400);
    }
  });

  it('T44: a body above the limit is 413, also a compressed one', async () => {
    const headers = { 'content-type': 'application/json' };
    const text = JSON.stringify(with_({ description: 'x'.repeat(17 * 1024 * 1024) }));
    expect((await h.call('tasks', { method: 'POST', headers, body: text })).status).toBe(413);
    const body = new Uint8Array(gzipSync(text));
    const gzip = { ...headers, 'content-encoding': 'gzip' };
    expect((await h.call('tasks', { method: 'POST', headers: gzip, body })).status).toBe(413);
  });

  it('answers a body of very many wrong values fast, with few problems', async () => {
    const start = performance.now();
    const answer = await refused({
      executors: [{ image: 'a', command: Array(1_000_000).fill(1) }],
    });
    expect(answer.details.length).toBeLessThanOrEqual(100);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it.each(['gs://b/k', 'sftp://h/x', 'drs://h/x', 'FOO://x'])(
    'T46: %s names its scheme',
    async (url) => {
      const scheme = url.split(':')[0]?.toLowerCase() ?? '';
      for (const body of [{ inputs: [{ path: '/x', url }] }, { outputs: [{ path: '/x', url }] }]) {
        const { code, message } = await refused(with_(body));
        expect(code).toBe('SCHEME_UNSUPPORTED');
        expect(message).toContain(`"${scheme}"`);
      }
    },
  );

  it.each([
    'nonsense',
    'x/y',
    'file://otherhost/x',
    'file:relative',
    'http://',
    'http://[::zz]/',
    'http://example.org\\@127.0.0.1/',
    'http://a b/',
  ])('URL %j is 400', async (url) => {
    expect((await refused(with_({ inputs: [{ path: '/x', url }] }))).code).toBe('BAD_TASK');
  });
});

describe('storage (C23, C24)', () => {
  const input = (url: string): object => with_({ inputs: [{ path: '/x', url }] });
  const output = (url: string, fields: object = {}): object =>
    with_({ outputs: [{ path: '/x', url, ...fields }] });

  it('accepts every spelling of a path below a root', async () => {
    writeFileSync(join(h.data, 'a b'), 'x');
    for (const path of ['/a b', '/a%20b', '/new/deep/', '//a b', '/./a b']) {
      for (const url of [
        h.data + path,
        `file://${h.data}${path}`,
        `FILE://localhost${h.data}${path}`,
      ]) {
        expect((await h.post(input(url))).status).toBe(200);
        expect((await h.post(output(url))).status).toBe(200);
      }
    }
  });

  it('finds a root whose name is encoded in the URL', async () => {
    const root = join(h.data, 'my data');
    mkdirSync(root);
    const other = await startHarness(({ storage }) => ({
      storage: {
        ...storage,
        files: createAllowList({ rootsFor: () => ({ read: [root], write: [root] }) }),
      },
    }));
    try {
      const at = `file://${h.data}/my%20data`;
      expect((await other.post(input(`${at}/x`))).status).toBe(200);
      expect((await other.post(output(`${at}/x`))).status).toBe(200);
      for (const url of [`${at}2/x`, `${at}/%2e%2e/x`]) {
        expect((await other.post(input(url))).status).toBe(403);
        expect((await other.post(output(url))).status).toBe(403);
      }
    } finally {
      await other.close();
    }
  });

  it('refuses others with the nearest root and the line to add', async () => {
    const { code, message, details } = await refused(input('/etc/passwd'), 403);
    expect(code).toBe('STORAGE_REFUSED');
    expect(details[0]?.field).toBe('inputs[0].url');
    expect(message).toContain('/etc/passwd');
    expect(message).toContain(h.data);
    expect(message).toContain('--allow /etc');
    expect(message).toContain('read = ["/etc"]');
    expect((await refused(output('/abcdef/x'), 403)).message).toContain('write = ["/abcdef"]');
  });

  it('compares by segment, and refuses "..", "/" and a root as a file', async () => {
    for (const url of [
      `${h.data}x/y`,
      `${h.data}/../x`,
      `file://${h.data}/%2e%2e/x`,
      '/',
      'file:///',
    ]) {
      expect((await refused(input(url), 403)).code).toBe('STORAGE_REFUSED');
      expect((await refused(output(url), 403)).code).toBe('STORAGE_REFUSED');
    }
    expect((await refused(output(h.data), 403)).message).toContain('itself');
    expect((await h.post(output(h.data, { type: 'DIRECTORY' }))).status).toBe(200);
    expect((await h.post(output(h.data, { path: '/x/*', path_prefix: '/x' }))).status).toBe(200);
    expect((await h.post(input(h.data))).status).toBe(200);
  });

  it('follows links: none leads out, a dangling one is refused', async () => {
    mkdirSync(join(h.data, 'inner'));
    symlinkSync('/etc', join(h.data, 'out'));
    symlinkSync('inner', join(h.data, 'in'));
    symlinkSync('/nowhere/at/all', join(h.data, 'dangling'));
    symlinkSync('loop', join(h.data, 'loop'));
    expect((await refused(input(`${h.data}/out/passwd`), 403)).code).toBe('STORAGE_REFUSED');
    expect((await refused(output(`${h.data}/out/x/y`), 403)).code).toBe('STORAGE_REFUSED');
    expect((await refused(output(`${h.data}/dangling`), 403)).code).toBe('STORAGE_REFUSED');
    expect((await refused(output(`${h.data}/dangling/x`), 403)).code).toBe('STORAGE_REFUSED');
    expect((await refused(input(`${h.data}/loop/x`), 403)).code).toBe('STORAGE_REFUSED');
    expect((await h.post(input(`${h.data}/in/x`))).status).toBe(200);
  });

  it.each(
    [
      '127.0.0.1',
      'localhost:8080',
      '10.1.2.3',
      '169.254.169.254',
      '[::1]',
      '0x7f.1',
      '2130706433',
    ].concat([
      '[::ffff:10.0.0.1]',
      'user:pw@192.168.0.1',
      '0.0.0.0',
      'a.localhost',
      'localhost.',
      '[fd00::1]',
    ]),
  )('refuses http://%s', async (host) => {
    for (const scheme of ['http', 'https', 'HTTP']) {
      const { code, message } = await refused(input(`${scheme}://${host}/x?secret=1`), 403);
      expect(code).toBe('STORAGE_REFUSED');
      expect(message).not.toMatch(/pw|secret/);
    }
  });

  it('accepts public names and configured private hosts', async () => {
    expect((await h.post(input('https://example.org/a?b=c%20d'))).status).toBe(200);
    expect((await h.post(output('http://93.184.216.34/x'))).status).toBe(200);
    const other = await startHarness(({ storage }) => ({
      storage: {
        ...storage,
        schemes: {
          ...storage.schemes,
          http: createHttpRules({
            allow: ['127.0.0.1', '10.0.0.0/8', 'localhost', 'fd00::/8'],
            hosts: [],
            grants: { authentication: false, admins: [] },
          }),
        },
      },
    }));
    try {
      for (const host of ['127.0.0.1:1234', '10.9.8.7', 'localhost', '[fd00::1]:80']) {
        expect((await other.post(input(`http://${host}/x`))).status).toBe(200);
      }
      expect((await other.post(input('http://127.0.0.2/x'))).status).toBe(403);
    } finally {
      await other.close();
    }
  });

  it('takes ftp, and s3 where a service has the bucket or the URL names one', async () => {
    for (const url of [
      'ftp://example.org/a%20b',
      'ftps://u:p@example.org/x',
      's3://k:s@h.org/b/x',
    ]) {
      expect((await h.post(input(url))).status).toBe(200);
    }
  });

  it.each([
    ['ftp://127.0.0.1/x', 'STORAGE_REFUSED', '[storage.ftp]'],
    ['ftps://0x7f.1/x', 'STORAGE_REFUSED', '127.0.0.1'],
    ['ftp:///x', 'BAD_TASK', 'ftp(s)://host'],
    ['s3://bucket/key', 'STORAGE_REFUSED', '[[storage.s3]]'],
    ['s3://k:hidden@169.254.169.254/b/x', 'STORAGE_REFUSED', '[storage.http]'],
    ['s3://k:hid/den@host/b/x', 'BAD_TASK', '%2F'],
  ])('refuses %s as %s', async (url, code, text) => {
    const status = code === 'BAD_TASK' ? 400 : 403;
    for (const body of [input(url), output(url)]) {
      const answer = await refused(body, status);
      expect(answer.code).toBe(code);
      expect(answer.message).toContain(text);
      expect(JSON.stringify(answer)).not.toMatch(/hid\/?den/);
    }
  });

  it('tells all refused URLs of a task', async () => {
    const answer = await refused(
      with_({
        inputs: [
          { path: '/a', url: '/etc/a' },
          { path: '/b', url: 'gs://b/k' },
        ],
        outputs: [{ path: '/c', url: 'http://10.0.0.1/' }],
      }),
    );
    expect(answer.code).toBe('SCHEME_UNSUPPORTED');
    expect(fieldsOf(answer)).toEqual(['inputs[0].url', 'inputs[1].url', 'outputs[0].url']);
  });

  it('never shows the user, password and query of a URL', async () => {
    const task = await full(input('https://user:pw@example.org/x?y=z'));
    expect(task['inputs']).toEqual([{ path: '/x', url: 'https://example.org/x', type: 'FILE' }]);
  });
});

describe('storing', () => {
  it('T47: a store that fails is a 500 in the same shape', async () => {
    const other = await startHarness((deps) => ({
      store: { ...deps.store, create: () => Promise.reject(new Error('disk full')) },
    }));
    try {
      expect((await other.post(MINIMAL_TASK)).status).toBe(500);
    } finally {
      await other.close();
    }
  });

  it('keeps content out of the document', async () => {
    const id = await h.create(with_({ inputs: [{ path: '/x', content: 'precious' }] }));
    expect(JSON.stringify(await h.task(id))).not.toContain('precious');
    expect((await h.call(`tasks/${id}?view=BASIC`)).text).not.toContain('precious');
    expect((await h.call(`tasks/${id}?view=FULL`)).text).toContain('precious');
  });

  it('C19: neither content nor env values are logged, not even for a refused task', async () => {
    h.logs.length = 0;
    await refused({
      ...executor({ env: { A: 'hush-env\0' }, stdin: 'x' }),
      inputs: [{ content: 'hush-content' }],
    });
    expect(h.logs.length).toBeGreaterThan(0);
    expect(JSON.stringify(h.logs)).not.toContain('hush');
  });
});
