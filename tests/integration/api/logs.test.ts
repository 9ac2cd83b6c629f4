/** GET /ext/v1/tasks/<id>/logs/<attempt>/<executor>/<stream>: where a log comes from, and what is answered when there is none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { claimed, reported, runOf } from '../../../src/tasks/attempts.ts';
import type { JobLogs } from '../../../src/tasks/read-log.ts';
import type { ReportExecutor } from '../../../src/tasks/report.ts';
import { newReport } from '../../support/tasks.ts';
import { startHarness, taskIdOf, type Harness } from './harness.ts';

let harness: Harness;
/** What jobs still have, by their folder's file. */
const files = new Map<string, string>();
let downloads = 0;

async function* piecesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

const jobLogs: JobLogs = {
  async download({ job }, name, take) {
    downloads += 1;
    const text = files.get(`${job}/${name}`);
    if (text !== undefined) await take(piecesOf(text));
    return text !== undefined;
  },
};

beforeAll(async () => {
  harness = await startHarness(() => ({ jobLogs }));
});

afterAll(async () => {
  await harness.close();
});

const SLOTS = { cores: 0, ram_bytes: 0 };

const running = async (): Promise<string> => {
  const id = await harness.create();
  await harness.change(id, (task) =>
    claimed(task, { destination: 'local', epoch: 1, slots: SLOTS, now: systemClock.now() }),
  );
  return id;
};

const [EXECUTOR] = newReport('x').executors as [ReportExecutor];

const ended = async (change: Partial<ReportExecutor>): Promise<string> => {
  const id = await running();
  const task = await harness.task(id);
  const executors = [{ ...EXECUTOR, ...change }];
  const { head, parts } = reported(
    task,
    newReport(runOf(task).job, { executors }),
    systemClock.now(),
  );
  const options = { signal: AbortSignal.timeout(5_000), parts };
  await harness.store.write(task.id, { rev: task.rev }, { ...head, debts: [] }, options);
  return id;
};

const log = (id: string, rest: string, init = {}) =>
  harness.call(`/ext/v1/tasks/${id}/logs/${rest}`, init);

const TAIL = '[the last 4 of 10 bytes]\n6789';
const CUT = { stdout: TAIL, stdout_bytes: 10 };

describe('a short log', () => {
  it('is what the task has, as plain text', async () => {
    const id = await ended({ stdout: 'ü out', stdout_bytes: 6, stderr: '' });
    const answer = await log(id, '1/0/stdout');
    expect([answer.status, answer.text]).toEqual([200, 'ü out']);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await log(id, '1/0/stderr')).text).toBe('');
    expect((await log(id, '1/0/stdout', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a cut log', () => {
  it('is the kept file, whole or a range of it', async () => {
    const id = await ended(CUT);
    const name = { task: taskIdOf(id), attempt: 1, executor: 0, stream: 'stdout' } as const;
    const options = { signal: AbortSignal.timeout(5_000) };
    await harness.keptLogs.keep(name, piecesOf('0123456789'), options);
    const answer = await log(id, '1/0/stdout');
    expect([answer.status, answer.text]).toEqual([200, '0123456789']);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const range = await log(id, '1/0/stdout', { headers: { range: 'bytes=-4' } });
    expect([range.status, range.text]).toEqual([206, '6789']);
    const beyond = await log(id, '1/0/stdout', { headers: { range: 'bytes=99-' } });
    expect(beyond).toMatchObject({ status: 416, json: { code: 'RANGE_UNKNOWN' } });
  });

  it('is 404 with the reason once it is not kept any more', async () => {
    const id = await ended(CUT);
    const answer = await log(id, '1/0/stdout');
    expect(answer).toMatchObject({ status: 404, json: { code: 'LOG_UNKNOWN' } });
    expect(answer.text).toContain('not kept any more');
  });
});

describe('the log of a running executor', () => {
  it('is what the job has written by now, asked for each time', async () => {
    const id = await running();
    const { job } = runOf(await harness.task(id));
    files.set(`${job}/tes/0.stdout`, 'one\n');
    expect((await log(id, '1/0/stdout')).text).toBe('one\n');
    files.set(`${job}/tes/0.stdout`, 'one\ntwo\n');
    expect((await log(id, '1/0/stdout')).text).toBe('one\ntwo\n');
    expect((await log(id, '1/1/stdout')).status).toBe(404);
    files.clear();
    expect((await log(id, '1/0/stdout')).text).toBe('one\ntwo\n'); // the job is gone, what was read of it is not
  });
});

describe('what is refused', () => {
  it('tasks, attempts, executors, streams and methods that are not there', async () => {
    const id = await ended({});
    const queued = await harness.create();
    const before = downloads;
    const none = '0'.repeat(26);
    const codes = async (paths: readonly string[]) =>
      Promise.all(paths.map(async (path) => (await harness.call(path)).json));
    const task = `/ext/v1/tasks/${id}/logs`;
    expect(
      await codes([
        `/ext/v1/tasks/${none}/logs/1/0/stdout`,
        `/ext/v1/tasks/x/logs/1/0/stdout`,
        `/ext/v1/tasks/${queued}/logs/1/0/stdout`,
        `${task}/2/0/stdout`,
        `${task}/1/1/stdout`,
        `${task}/1/0/stdin`,
        `${task}/1/x/stdout`,
        `${task}/-1/0/stdout`,
        `${task}/1/0/..%2Fstdout`,
      ]),
    ).toMatchObject([
      ...Array.from({ length: 2 }, () => ({ code: 'TASK_UNKNOWN' })),
      ...Array.from({ length: 3 }, () => ({ code: 'LOG_UNKNOWN' })),
      ...Array.from({ length: 4 }, () => ({ code: 'PATH_UNKNOWN' })),
    ]);
    expect(downloads).toBe(before);
    const posted = await harness.call(`${task}/1/0/stdout`, { method: 'POST' });
    expect(posted).toMatchObject({ status: 405, json: { code: 'METHOD_UNKNOWN' } });
  });
});
