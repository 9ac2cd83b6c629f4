/** Secrets in the URLs of a task: in no answer, log or file while it lives, and nowhere once it has ended. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sealSecrets, wholeSpecOf } from '../../../src/tasks/task-secrets.ts';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import { idOf, startHarness, taskIdOf, type Answer, type Harness } from './harness.ts';

const { signal } = new AbortController();
const box = createSecretBox('x'.repeat(64));

let h: Harness;
let answers: Answer[];
beforeEach(async () => {
  h = await startHarness(() => ({ box, repeatWindowMs: 60_000 }));
  answers = [];
});
afterEach(() => h.close());

const call = async (...args: Parameters<Harness['call']>): Promise<Answer> => {
  const answer = await h.call(...args);
  answers.push(answer);
  return answer;
};

const HUSH = 'hush-4711';

const BODY = {
  name: 'with secrets',
  inputs: [
    { path: '/a', url: `https://ada:${HUSH}@example.org/a?token=${HUSH}#${HUSH}` },
    { path: '/b', url: `https://example.org/b@c?sig=${HUSH}`, type: 'DIRECTORY' },
    { path: '/c', url: `s3://AK:${HUSH}/x@minio:9000/ignored`, content: 'kept' },
  ],
  outputs: [{ path: '/o', url: `https://${HUSH}@example.org/o?sig=${HUSH}` }],
  executors: [{ image: 'alpine', command: ['true'] }],
  secret_parts: 7,
};

const post = (headers: Readonly<Record<string, string>> = {}) =>
  call('tasks', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(BODY),
  });

/** What of the server's files holds the text; the write-ahead log first goes into the database. */
const filesWith = (text: string): readonly string[] => {
  const folder = dirname(h.data);
  new Database(join(folder, 'tasks.db')).exec('PRAGMA wal_checkpoint(TRUNCATE)').close();
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
};

it('are sealed beside the task, shown to nobody, and erased when it ends', async () => {
  const id = idOf(await post());
  const shown = {
    inputs: [
      { path: '/a', url: 'https://example.org/a', type: 'FILE' },
      { path: '/b', url: 'https://example.org/b@c', type: 'DIRECTORY' },
      { path: '/c', url: 's3://minio:9000/ignored', type: 'FILE', content: 'kept' },
    ],
    outputs: [{ path: '/o', url: 'https://example.org/o', type: 'FILE' }],
  };
  const look = async () => {
    for (const view of ['MINIMAL', 'BASIC', 'FULL']) {
      for (const path of [`tasks/${id}`, 'tasks']) await call(`${path}?view=${view}`);
    }
    expect((await call(`tasks/${id}?view=FULL`)).json).toMatchObject(shown);
    expect((await call(`tasks/${id}?view=FULL`)).json).not.toHaveProperty('secret_parts');
    expect(JSON.stringify([answers.map(({ text }) => text), h.logs])).not.toContain(HUSH);
    expect(filesWith(HUSH)).toEqual([]);
  };
  await look();
  const [part] = await h.store.parts([taskIdOf(id)], ['secret'], { signal });
  const sealed = part?.text ?? '';
  expect(filesWith(sealed)).toHaveLength(1);
  const whole = await wholeSpecOf({ store: h.store, box }, await h.task(id), { signal });
  expect(whole.inputs?.map(({ url }) => url)).toEqual(BODY.inputs.map(({ url }) => url));
  expect(whole.outputs).toEqual(BODY.outputs);

  await call(`tasks/${id}:cancel`, { method: 'POST' });
  expect((await h.task(id)).head.state).toBe('CANCELED');
  await look();
  expect(filesWith(sealed)).toEqual([]);
  expect(await h.store.parts([taskIdOf(id)], ['secret'], { signal })).toEqual([]);
});

it('do not keep repeated requests from being one', async () => {
  const key = { 'idempotency-key': 'k' };
  const [first, again] = [await post(key), await post(key)];
  expect(again.text).toBe(first.text);
  const [third, fourth] = [await post(), await post()];
  expect(fourth.text).toBe(third.text);
  expect(third.text).not.toBe(first.text);
});

it('are not shown of tasks that an earlier version stored with them', async () => {
  const { spec } = sealSecrets(box, { executors: BODY.executors }, undefined);
  const id = await h.create({ executors: BODY.executors });
  const task = await h.task(id);
  const old = {
    ...task,
    spec: { ...spec, inputs: [{ path: '/a', url: BODY.inputs[0]?.url ?? '' }] },
  };
  const other = await startHarness(({ store }) => ({
    store: { ...store, get: () => Promise.resolve(old) },
  }));
  const answer = await other.call(`tasks/${id}?view=FULL`);
  expect(answer.text).toContain('https://example.org/a');
  expect(answer.text).not.toContain(HUSH);
  const stored = { store: h.store, box };
  expect(await wholeSpecOf(stored, old, { signal })).toEqual(old.spec);
  await other.close();
});
