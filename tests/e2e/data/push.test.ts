/** Data of jobs that can reach nobody: a real Pulsar elsewhere, real servers of each kind. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  farDestination,
  startFarPulsar,
  type FarPulsar,
} from '../../support/pulsar/far-pulsar.ts';
import { createSite, startServer, type Server, type Site } from '../../support/server/server.ts';
import { SHELVES, startStorageLab, type StorageLab } from '../../support/storage/lab.ts';

let pulsar: FarPulsar;
let lab: StorageLab;
let site: Site;
let server: Server;

beforeAll(async () => {
  [pulsar, lab] = await Promise.all([startFarPulsar(), startStorageLab()]);
  site = await createSite({ config: lab.config, transport: farDestination(pulsar) });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
  await lab.stop();
  await pulsar.remove();
});

const text = (value: string): Buffer => Buffer.from(value, 'utf8');
const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });
const run = async (task: object) =>
  server.tes.ended(await server.tes.create(task), 120_000);
const finish = async (task: object) => {
  const ended = await run(task);
  expect([ended.state, ended.logs?.[0]?.system_logs]).toEqual(['COMPLETE', expect.anything()]);
  for (const secret of lab.secrets) expect(JSON.stringify(ended)).not.toContain(secret);
  return ended;
};
const problemsOf = async (task: object, state: string): Promise<string> => {
  const ended = await run(task);
  expect(ended.state).toBe(state);
  return ended.logs?.[0]?.system_logs?.join('\n') ?? '';
};

const ODD = ['a b', 'ü', 'c%41', "it's", 'a+b&c'];

describe.each(SHELVES)('%s', (name) => {
  it('brings files and takes results away, empty ones too', async () => {
    const shelf = lab.shelves[name];
    const bytes = randomBytes(300_000);
    await shelf.put(['in', 'a file'], bytes);
    await shelf.put(['in', 'none'], text(''));
    const url = shelf.url('out/sum');
    const task = await finish({
      inputs: [
        { url: shelf.url('in/a%20file'), path: '/data/in' },
        { url: shelf.url('in/none'), path: '/data/none' },
      ],
      outputs: [
        { url, path: '/data/out' },
        { url: shelf.url('out/none'), path: '/data/none' },
      ],
      executors: [{ image: 'any', command: ['md5sum'], stdin: '/data/in', stdout: '/data/out' }],
    });
    const sum = `${createHash('md5').update(bytes).digest('hex')}  -\n`;
    expect(await shelf.get(['out', 'sum'])).toEqual(text(sum));
    expect(await shelf.get(['out', 'none'])).toEqual(text(''));
    expect(task.logs?.[0]?.metadata).toMatchObject({
      'input 0': expect.stringMatching(/^push \(.*cannot reach this server.*\), 300000 bytes/) as unknown,
      'output 0': expect.stringMatching(/^push \(.*cannot reach this server/) as unknown,
    });
    expect(task.logs?.[0]?.outputs).toEqual([
      { url, path: '/data/out', size_bytes: String(sum.length) },
      { url: shelf.url('out/none'), path: '/data/none', size_bytes: '0' },
    ]);
  });

  it('brings a folder and takes one away, whatever names are in it', async () => {
    const shelf = lab.shelves[name];
    for (const one of ODD) await shelf.put(['tree', one, `${one}.txt`], text(one));
    const task = await finish({
      inputs: [{ url: shelf.url('tree/'), path: '/data/in', type: 'DIRECTORY' }],
      outputs: [{ url: shelf.url('copy'), path: '/data/out', type: 'DIRECTORY' }],
      executors: [sh('cp -r /data/in/. /data/out/')],
    });
    for (const one of ODD) expect(await shelf.get(['copy', one, `${one}.txt`])).toEqual(text(one));
    expect(task.logs?.[0]?.outputs).toHaveLength(ODD.length);
  });

  it('says which URL is not there', async () => {
    const url = lab.shelves[name].url('nothing/here');
    const inputs = [{ url, path: '/data/in' }];
    const said = await problemsOf({ inputs, executors: [sh('true')] }, 'SYSTEM_ERROR');
    expect(said).toContain(`INPUT_FAILED: input 0 (/data/in): ${url}: there is no such file`);
  });
});

it('brings files of this server and stores there, where the jobs share no file system', async () => {
  writeFileSync(join(site.files, 'a in'), 'here');
  const at = (name: string): string => `file://${join(site.files, name)}`;
  const task = await finish({
    inputs: [{ url: at('a in'), path: '/data/in' }],
    outputs: [{ url: at('out/copy'), path: '/data/copy' }],
    executors: [sh('cat /data/in /data/in > /data/copy')],
  });
  expect(task.logs?.[0]?.metadata).toMatchObject({
    'input 0': expect.stringMatching(/^push \(.*cannot reach this server/) as unknown,
  });
  expect(readFileSync(join(site.files, 'out', 'copy'), 'utf8')).toBe('herehere');
});

describe('a storage that refuses an output', () => {
  const outputs = () => [
    { url: 's3://of-nobody/x', path: '/data/a' },
    { url: lab.shelves.s3.url('kept/b'), path: '/data/b' },
  ];
  const script = 'echo A > /data/a; echo B > /data/b';

  it('ends the task with its URL, and the others are stored', async () => {
    const said = await problemsOf(
      { outputs: outputs(), executors: [sh(script)] },
      'SYSTEM_ERROR',
    );
    expect(said).toContain('s3://of-nobody/x');
    expect(await lab.shelves.s3.get(['kept', 'b'])).toEqual(text('B\n'));
  });
});

it('stores outputs also after a failed executor', async () => {
  const url = lab.shelves.http.url('failed/a');
  const outputs = [{ url, path: '/data/a' }];
  await problemsOf(
    { outputs, executors: [sh('echo A > /data/a; exit 3')] },
    'EXECUTOR_ERROR',
  );
  expect(await lab.shelves.http.get(['failed', 'a'])).toEqual(text('A\n'));
});

it('holds inputs to the digest in their URL', async () => {
  const shelf = lab.shelves.s3;
  await shelf.put(['checked'], text('x'));
  const digest = createHash('sha256').update('y').digest('hex');
  const inputs = [{ url: `${shelf.url('checked')}#sha256=${digest}`, path: '/data/in' }];
  const said = await problemsOf({ inputs, executors: [sh('true')] }, 'SYSTEM_ERROR');
  expect(said).toContain(digest);
});

/** Most memory that the server ever had. */
const peakBytes = (): number => {
  const status = readFileSync(`/proc/${String(server.pid)}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
};

it('moves 200 MiB both ways in little memory', async () => {
  const { s3, http } = lab.shelves;
  const bytes = randomBytes(200 * 1024 * 1024);
  await s3.put(['big'], bytes);
  const before = peakBytes();
  await finish({
    inputs: [{ url: s3.url('big'), path: '/data/big' }],
    outputs: [{ url: http.url('big'), path: '/data/big' }],
    executors: [sh('true')],
  });
  expect(peakBytes() - before).toBeLessThan(100 * 1024 * 1024);
  const stored = (await http.get(['big'])) ?? Buffer.alloc(0);
  expect(stored.equals(bytes)).toBe(true);
});
