/** What a job may ask of its server about its data: its own inputs and outputs, while its task waits for it, and nothing else. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileStorage } from '../../../src/storage/file/file-storage.ts';
import { atPoint, claimed } from '../../../src/tasks/attempts.ts';
import { NO_OWNER, type JobId } from '../../../src/tasks/ids.ts';
import { schemeOf } from '../../../src/tasks/urls.ts';
import { until } from '../../support/until.ts';
import {
  MINIMAL_TASK,
  startHarness,
  taskIdOf,
  type Answer,
  type CallInit,
  type Harness,
} from './harness.ts';

let h: Harness;
let files: string;

beforeAll(async () => {
  h = await startHarness(({ relay, storage }) => ({
    relay: {
      ...relay,
      storageOf: (url, caller) =>
        schemeOf(url) === 'file'
          ? {
              ...createFileStorage({ ...storage.files.rootsFor(caller), stallMs: 10_000 }),
              linkTo: (path) => Promise.resolve(`https://elsewhere/${path}?signed`),
            }
          : undefined,
      directOf: (destination) => (destination === 'with links' ? ['file'] : []),
    },
  }));
  files = h.data;
  mkdirSync(join(files, 'tree', 'a b', 'empty'), { recursive: true });
  writeFileSync(join(files, 'tree', '%41'), 'percent');
  writeFileSync(join(files, 'tree', 'a b', 'c'), 'deep');
  writeFileSync(join(files, 'my data'), '0123456789');
});
afterAll(() => h.close());

const now = 1_700_000_000_000;
const slots = { cores: 1, ram_bytes: 0 };

/** A task whose job runs. */
const running = async (task: object, destination = 'local'): Promise<JobId> => {
  const id = await h.create({ ...MINIMAL_TASK, ...task });
  const input = { destination, epoch: 1, slots, now };
  await h.change(id, (one) => claimed(one, input));
  await h.change(id, (one) => atPoint(one, 'submit', now));
  await h.change(id, (one) => atPoint(one, 'run', now));
  const { run } = (await h.task(id)).head;
  if (run === undefined) throw new Error('it does not run');
  return run.job;
};

const ask = (job: JobId, path: string, init: CallInit = {}): Promise<Answer> =>
  h.call(`/files/${job}/${path}`, {
    ...init,
    headers: { authorization: `Bearer token of ${job}`, ...init.headers },
  });

const reading = () =>
  running({
    inputs: [
      { url: `file://${files}/my%20data`, path: '/in/file' },
      { url: `${files}/tree`, path: '/in/tree', type: 'DIRECTORY' },
      { content: 'text', path: '/in/text' },
      { url: `${files}/nothing`, path: '/in/nothing' },
    ],
  });

describe('inputs of a job', () => {
  it('are read whole, or from a byte on while they are the same', async () => {
    const job = await reading();
    const whole = await ask(job, 'inputs/0/file');
    expect([whole.status, whole.text]).toEqual([200, '0123456789']);
    const etag = whole.headers.get('etag') ?? '';
    const rest = await ask(job, 'inputs/0/file', {
      headers: { range: 'bytes=4-', 'if-range': etag },
    });
    expect([rest.status, rest.text, rest.headers.get('content-range')]).toEqual([
      206,
      '456789',
      'bytes 4-9/10',
    ]);
    for (const headers of [{ range: 'bytes=4-' }, { range: 'bytes=4-', 'if-range': '"other"' }]) {
      const again = await ask(job, 'inputs/0/file', { headers });
      expect([again.status, again.text]).toEqual([200, '0123456789']);
    }
  });

  it('are linked to where jobs may fetch them without a detour', async () => {
    const job = await running(
      { inputs: [{ url: `${files}/tree`, path: '/in', type: 'DIRECTORY' }] },
      'with links',
    );
    const answer = await ask(job, 'inputs/0/file/%2541');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      307,
      `https://elsewhere/${files}/tree/%41?signed`,
    ]);
    expect((await ask(job, 'inputs/0/list')).text).toContain('{"end":true}');
  });

  it('tell files from folders, and what lies in these by its real names', async () => {
    const job = await reading();
    expect((await ask(job, 'inputs/0/list')).json).toEqual({ kind: 'file' });
    const { text } = await ask(job, 'inputs/1/list');
    const entries = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(entries).toEqual([
      { kind: 'file', path: ['%41'], size: 7 },
      { kind: 'folder', path: ['a b'] },
      { kind: 'file', path: ['a b', 'c'], size: 4 },
      { kind: 'folder', path: ['a b', 'empty'] },
      { end: true },
    ]);
    expect((await ask(job, 'inputs/1/file/%2541')).text).toBe('percent');
    expect((await ask(job, 'inputs/1/file/a%20b/c')).text).toBe('deep');
  });

  it.each([
    ['inputs/2/file', 404, 'PATH_UNKNOWN'],
    ['inputs/3/file', 404, 'STORAGE_MISSING'],
    ['inputs/9/file', 404, 'PATH_UNKNOWN'],
    ['inputs/1/file/..', 404, 'PATH_UNKNOWN'],
    ['inputs/1/file/%2e%2e/my%20data', 404, 'PATH_UNKNOWN'],
    ['inputs/1/file/a%2Fb', 404, 'PATH_UNKNOWN'],
    ['inputs/1/file/a%00', 404, 'PATH_UNKNOWN'],
    ['outputs/0/file', 405, 'METHOD_UNKNOWN'],
  ])('%s is %d %s', async (path, status, code) => {
    const job = await reading();
    const answer = await rawGet(job, path);
    expect(answer).toContain(`HTTP/1.1 ${String(status)}`);
    expect(answer).toContain(`"code":"${code}"`);
  });
});

/** As it stands: `fetch` would resolve the dots. */
const rawGet = async (job: JobId, path: string): Promise<string> => {
  const { hostname, port } = new URL(h.root);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /files/${job}/${path} HTTP/1.1\r\nhost: me\r\nconnection: close\r\nauthorization: Bearer token of ${job}\r\n\r\n`,
  );
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
};

describe('outputs of a job', () => {
  const writing = () =>
    running({ outputs: [{ url: `file://${files}/out%20put`, path: '/out', type: 'DIRECTORY' }] });

  it('are stored under their real names', async () => {
    const job = await writing();
    const put = (path: string, body: string) =>
      ask(job, `outputs/0/file/${path}`, { method: 'PUT', body });
    expect((await put('x%20y', 'one')).json).toEqual({ bytes: 3 });
    expect((await put('deep/%2541', '')).json).toEqual({ bytes: 0 });
    await ask(job, 'outputs/0/file/empty', {
      method: 'PUT',
      headers: { 'x-magnetar-folder': '1' },
    });
    const at = join(files, 'out put');
    expect(readFileSync(join(at, 'x y'), 'utf8')).toBe('one');
    expect(readFileSync(join(at, 'deep', '%41'), 'utf8')).toBe('');
    expect(readdirSync(join(at, 'empty'))).toEqual([]);
  });

  it('leave nothing of an upload that breaks off', async () => {
    const job = await writing();
    const { hostname, port } = new URL(h.root);
    const socket = connect(Number(port), hostname);
    const folder = join(files, 'out put', 'half');
    socket.write(
      `PUT /files/${job}/outputs/0/file/half/done HTTP/1.1\r\nhost: me\r\ncontent-length: 1000\r\nauthorization: Bearer token of ${job}\r\n\r\nhalf`,
    );
    await until(() => names(folder).length === 1, { what: 'the begin of the upload' });
    expect(names(folder)[0]).toMatch(/^\.magnetar-.*\.part$/);
    socket.destroy();
    await until(() => names(folder).length === 0, { what: 'the end of the upload' });
  });

  it('are not stored when the job is over before they end', async () => {
    const job = await writing();
    const { hostname, port } = new URL(h.root);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    const folder = join(files, 'out put', 'late');
    socket.write(
      `PUT /files/${job}/outputs/0/file/late/done HTTP/1.1\r\nhost: me\r\ncontent-length: 8\r\nauthorization: Bearer token of ${job}\r\n\r\nhalf`,
    );
    await until(() => names(folder).length === 1, { what: 'the begin of the upload' });
    const id = /^tes-(.*)-1-1$/.exec(job)?.[1] ?? '';
    const wish = { at: now, by: NO_OWNER, reason: 'not wanted' };
    await h.store.wish(taskIdOf(id), 'all', wish, { signal: new AbortController().signal });
    socket.write('rest');
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toContain('HTTP/1.1 410');
    expect(names(folder)).toEqual([]);
    socket.destroy();
  });
});

const names = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

describe('nobody else', () => {
  it.each([
    ['no token', {}],
    ['a wrong one', { authorization: 'Bearer nonsense' }],
    ['another job’s', { authorization: 'Bearer token of tes-01jbcdefghjkmnpqrstvwxyz00-1-1' }],
  ])('gets in with %s', async (_, headers) => {
    const job = await reading();
    for (const [path, method] of [
      ['inputs/0/file', 'GET'],
      ['inputs/1/list', 'GET'],
      ['outputs/0/file', 'PUT'],
    ]) {
      const answer = await h.call(`/files/${job}/${path ?? ''}`, { method: method ?? '', headers });
      expect(answer.json).toMatchObject({ status: 403, code: 'SIGNATURE_REFUSED' });
    }
  });

  it('an older job, and one that was cancelled, are told to end', async () => {
    const job = await reading();
    const id = /^tes-(.*)-1-1$/.exec(job)?.[1] ?? '';
    const older = job.replace('-1-1', '-1-2') as JobId;
    expect((await ask(older, 'inputs/0/file')).json).toMatchObject({ code: 'JOB_OVER' });
    const wish = { at: now, by: NO_OWNER, reason: 'not wanted' };
    await h.store.wish(taskIdOf(id), 'all', wish, { signal: new AbortController().signal });
    const answer = await ask(job, 'inputs/0/file');
    expect([answer.status, answer.json]).toMatchObject([410, { code: 'JOB_OVER' }]);
  });
});
