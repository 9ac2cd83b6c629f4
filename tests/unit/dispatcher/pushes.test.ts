/** Inputs and outputs of a job that can reach nobody: what the server lays into it, fetches from it, and does when one side fails. */
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectStep } from '../../../src/dispatcher/collect-step.ts';
import { followStep } from '../../../src/dispatcher/follow-step.ts';
import { prepareStep, resumeSubmitStep } from '../../../src/dispatcher/submit-step.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { runOf } from '../../../src/tasks/attempts.ts';
import type { ObjectStorage, StoredEntry } from '../../../src/tasks/ports/object-storage.ts';
import type { Report } from '../../../src/tasks/report.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { createDesk, type Desk } from '../../support/dispatcher/desk.ts';
import { unreachable } from '../../support/dispatcher/fake-transport.ts';
import { newReport } from '../../support/tasks.ts';

let desk: Desk;
const later = new MagnetarError('STORAGE_UNAVAILABLE', 's3://b/x: busy');

/** Texts by URL; a folder is a URL with others below it. */
let shelf: Map<string, string>;
/** Calls that fail before one succeeds. */
let failures: MagnetarError[];

const failing = (): void => {
  const error = failures.shift();
  if (error !== undefined) throw error;
};

async function* below(url: string): AsyncGenerator<StoredEntry> {
  for (const [known, text] of await Promise.resolve(shelf)) {
    if (!known.startsWith(url)) continue;
    yield { kind: 'file', path: known.slice(url.length).split('/'), url: known, size: text.length };
  }
}

const storage: Partial<ObjectStorage> = {
  stat: (url) => Promise.resolve(url.endsWith('/') ? { kind: 'folder' } : { kind: 'file' }),
  list: (url) => below(url),
  async read(url) {
    await Promise.resolve();
    failing();
    const text = shelf.get(url);
    if (text === undefined) throw new MagnetarError('STORAGE_MISSING', `${url}: not there`);
    return { body: Readable.from([Buffer.from(text)]), size: text.length, start: 0 };
  },
  async write(url, body) {
    failing();
    let text = '';
    for await (const piece of body) text += String(piece);
    shelf.set(url, text);
    return text.length;
  },
  async makeFolder(url) {
    await Promise.resolve();
    shelf.set(`${url}/`, '');
  },
};

beforeEach(async () => {
  shelf = new Map();
  failures = [];
  desk = await createDesk({ reach: { shared_filesystem: false, direct: [], push: true } });
  Object.assign(desk.deps, { storageOf: () => storage });
});

afterEach(async () => {
  await desk.close();
});

/** Tries follow one another at once; whoever looks whether the task is still wanted waits as ever. */
const withoutWaits = (): void => {
  const { clock } = desk;
  const sleep: typeof clock.sleep = (ms, signal) =>
    ms === desk.deps.timing.wantedMs ? clock.sleep(ms, signal) : Promise.resolve();
  Object.assign(desk.deps, {
    clock: { ...clock, sleep },
    timing: { ...desk.deps.timing, wantedMs: 999 },
  });
};

const INPUTS = [
  { url: 's3://b/file', path: '/in/file' },
  { url: 's3://b/tree/', path: '/in/tree', type: 'DIRECTORY' as const },
];
const prepared = (inputs: object[] = INPUTS): Promise<Task> =>
  desk.at('prepare', { wish: { spec: { inputs: inputs as never } } });
const stateOf = async (task: Task) => {
  const { head } = await desk.get(task.id);
  return [head.state, head.attempts.at(-1)?.reason];
};

describe('inputs', () => {
  it('lie in the job before it is submitted, folders with a list of their files', async () => {
    shelf.set('s3://b/file', 'F').set('s3://b/tree/a', 'A').set('s3://b/tree/d/b', 'BB');
    const task = await prepared();
    const { job } = runOf(task);
    await desk.step(task.id, prepareStep);
    expect(desk.transport.changes.at(-1)).toBe(`submit ${job}`);
    expect(Object.fromEntries(desk.transport.inputs)).toEqual({
      [`${job}/push/0/0`]: 'F',
      [`${job}/push/0.jsonl`]: '{"kind":"file","path":[],"size":1}\n{"end":true}\n',
      [`${job}/push/1/0`]: 'A',
      [`${job}/push/1/1`]: 'BB',
      [`${job}/push/1.jsonl`]:
        '{"kind":"file","path":["a"],"size":1}\n{"kind":"file","path":["d","b"],"size":2}\n{"end":true}\n',
    });
    expect(runOf(await desk.get(task.id)).point).toBe('run');
  });

  it('that are missing end the task, and the job is removed', async () => {
    const task = await prepared([INPUTS[0] ?? {}]);
    await desk.step(task.id, prepareStep);
    expect(await stateOf(task)).toEqual([
      'SYSTEM_ERROR',
      'INPUT_FAILED: input 0 (/in/file): s3://b/file: not there',
    ]);
    expect((await desk.get(task.id)).head.debts).toMatchObject([{ do: 'kill' }]);
    expect(desk.transport.changes).not.toContain(`submit ${runOf(task).job}`);
  });

  it('of a storage that is busy are asked for again, ten times', async () => {
    shelf.set('s3://b/file', 'F');
    withoutWaits();
    const patient = await prepared([INPUTS[0] ?? {}]);
    failures = Array.from({ length: 9 }, () => later);
    await desk.step(patient.id, prepareStep);
    expect(runOf(await desk.get(patient.id)).point).toBe('run');
    const task = await prepared([INPUTS[0] ?? {}]);
    failures = Array.from({ length: 10 }, () => later);
    await desk.step(task.id, prepareStep);
    expect((await stateOf(task))[1]).toContain('s3://b/x: busy');
  });

  it.each([
    ['bytes', { input_bytes: 2 }],
    ['files', { input_files: 1 }],
  ])('of more %s than a task may move end it', async (unit, limit) => {
    shelf.set('s3://b/tree/a', 'AA').set('s3://b/tree/b', 'B');
    Object.assign(desk.deps, {
      destination: {
        ...desk.deps.destination,
        limits: { ...desk.deps.destination.limits, ...limit },
      },
    });
    const task = await prepared([INPUTS[1] ?? {}]);
    await desk.step(task.id, prepareStep);
    expect((await stateOf(task))[1]).toContain(`task_input_${unit}`);
  });

  it('that are there stay there when the job is sent again', async () => {
    shelf.set('s3://b/file', 'F');
    const task = await prepared([INPUTS[0] ?? {}]);
    const { job } = runOf(task);
    desk.transport.failing.set('submit', unreachable);
    await desk.step(task.id, prepareStep);
    desk.transport.failing.clear();
    await desk.step(task.id, resumeSubmitStep);
    const words = desk.transport.changes.map((change) => change.replace(` ${job}`, ''));
    expect(words).toEqual(['upload', 'upload', 'submit', 'submit']);
  });

  it('stop on their way once the task is cancelled', async () => {
    const endless = new Readable({ read: () => undefined });
    const slow = { ...storage, read: () => Promise.resolve({ body: endless, start: 0 }) };
    Object.assign(desk.deps, { storageOf: () => slow });
    const task = await prepared([INPUTS[0] ?? {}]);
    const step = desk.step(task.id, prepareStep);
    await desk.clock.untilSleeping();
    await desk.wish(task);
    await desk.clock.advance(desk.deps.timing.wantedMs);
    expect(await step).toBe('again');
    expect(endless.destroyed).toBe(true);
    expect(desk.transport.changes).not.toContain(`submit ${runOf(task).job}`);
  });
});

const URLS = ['s3://b/one', 's3://b/two'];
const rowsOf = (): Report['outputs'] =>
  URLS.map((url, i) => ({ i, path: `/out/${String(i)}`, url, size: 1, method: 'push' }));

describe('outputs', () => {
  /** A task whose job has left two files. */
  const left = async (change: Partial<Report> = {}): Promise<Task> => {
    const outputs = URLS.map((url, i) => ({ url, path: `/out/${String(i)}` }));
    const task = await desk.at('run', { wish: { spec: { outputs } } });
    const { job } = runOf(task);
    const lines = [0, 1].map((i) => ({ i, path: `/out/${String(i)}`, names: [], size: 1 }));
    const text = lines.map((row) => `${JSON.stringify({ ...row, stored: String(row.i) })}\n`);
    desk.transport.files.set(`${job}/tes/pushed.jsonl`, text.join(''));
    desk.transport.outputs.set(`${job}/push/0`, 'A').set(`${job}/push/1`, 'B');
    const report = newReport(job, { outputs: rowsOf(), pushed: 2, ...change });
    return desk.write(task, { ...task.head, run: { ...runOf(task), inbox: { report } } });
  };
  const collect = async (change?: Partial<Report>): Promise<Task> => {
    const task = await left(change);
    await desk.step(task.id, (input) => followStep(input, false));
    expect(runOf(await desk.get(task.id)).point).toBe('collect');
    return task;
  };

  it('are stored before the task ends', async () => {
    const task = await collect();
    await desk.step(task.id, collectStep);
    expect(Object.fromEntries(shelf)).toEqual({ 's3://b/one': 'A', 's3://b/two': 'B' });
    expect(await stateOf(task)).toEqual(['COMPLETE', undefined]);
    expect((await desk.get(task.id)).head.attempts[0]?.outputs_n).toBe(2);
  });

  it('that a storage refuses fail the task; the others are stored and listed', async () => {
    const task = await collect();
    failures = [new MagnetarError('STORAGE_DENIED', 's3://b/one: denied')];
    await desk.step(task.id, collectStep);
    expect(await stateOf(task)).toEqual(['SYSTEM_ERROR', 'output 0 (/out/0): s3://b/one: denied']);
    expect((await desk.get(task.id)).head.attempts[0]?.outputs_n).toBe(1);
    expect([...shelf.keys()]).toEqual(['s3://b/two']);
  });

  it('that cannot be stored after a failed executor are only told of', async () => {
    const task = await collect({ state: 'EXECUTOR_ERROR' });
    failures = [new MagnetarError('STORAGE_DENIED', 's3://b/one: denied')];
    await desk.step(task.id, collectStep);
    expect((await stateOf(task))[0]).toBe('EXECUTOR_ERROR');
    const [logs] = await desk.store.parts([task.id], ['syslog'], {
      signal: new AbortController().signal,
    });
    expect(logs?.text).toContain('s3://b/one: denied');
  });

  it('of another size than the runner says are not stored', async () => {
    const task = await collect();
    desk.transport.outputs.set(`${runOf(task).job}/push/0`, 'longer');
    await desk.step(task.id, collectStep);
    expect((await stateOf(task))[0]).toBe('SYSTEM_ERROR');
    expect(shelf.has('s3://b/one')).toBe(false);
  });

  it('are waited for while the Pulsar is away, and given up at last', async () => {
    withoutWaits();
    const task = await collect();
    desk.transport.failing.set('collect', unreachable);
    expect(await desk.step(task.id, collectStep)).toHaveProperty('waitMs');
    await desk.clock.advance(desk.deps.timing.handOutMs);
    await desk.step(task.id, collectStep);
    expect((await stateOf(task))[0]).toBe('SYSTEM_ERROR');
    expect((await desk.get(task.id)).head.attempts[0]?.outputs_n).toBe(0);
  });

  it('whose list is not whole are not guessed', async () => {
    const task = await collect({ pushed: 3 });
    await desk.step(task.id, collectStep);
    expect((await stateOf(task))[0]).toBe('SYSTEM_ERROR');
    expect(shelf.size).toBe(0);
  });
});
