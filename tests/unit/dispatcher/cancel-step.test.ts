/** A cancel from the wish to its end: asked first, killed when nobody heeds, CANCELED only once the end is confirmed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelStep } from '../../../src/dispatcher/cancel-step.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import { runOf } from '../../../src/tasks/attempts.ts';
import type { JobStatus } from '../../../src/tasks/ports/job-transport.ts';
import type { Inbox, Point, Task } from '../../../src/tasks/task.ts';
import { createDesk, type Desk } from '../../support/dispatcher/desk.ts';
import { refused, unreachable } from '../../support/dispatcher/fake-transport.ts';
import { newReport } from '../../support/tasks.ts';

const { settleMs, launchMs, stopMs, giveUpKillMs } = DEFAULT_TIMING;
/** The desk's `grace_s` is 2. */
const PATIENCE_MS = 2_000 + stopMs;

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

const wished = async (
  point: Point,
  status?: JobStatus,
  inbox: Inbox = { started: 1 },
): Promise<Task> => {
  const task = await desk.wish(await desk.at(point, { inbox }));
  if (status !== undefined) desk.transport.jobs.set(runOf(task).job, status);
  return task;
};

const RUNNING: JobStatus = { status: 'running', final: false };
const OVER: JobStatus = { status: 'cancelled', final: true };

const look = ({ id }: Task) => desk.step(id, cancelStep);

const after = async (task: Task, ms: number) => {
  await desk.clock.advance(ms);
  return look(task);
};

const headOf = async ({ id }: Task) => (await desk.get(id)).head;
const isOpen = async (task: Task): Promise<boolean> => (await headOf(task)).run !== undefined;

/** What was asked of Pulsar for this job, repetitions left out. */
const asked = (): readonly string[] => [
  ...new Set(desk.transport.changes.map((change) => change.split(' ')[0] ?? '')),
];

const put = (task: Task, name: string, text: string): void => {
  desk.transport.files.set(`${runOf(task).job}/tes/${name}`, text);
};

describe('a task whose job was not sent', () => {
  it('is CANCELED at once, and nothing is owed', async () => {
    const task = await wished('prepare');
    await look(task);
    expect(await headOf(task)).toMatchObject({ state: 'CANCELED', debts: [] });
    expect(asked()).toEqual([]);
  });
});

describe('a running job', () => {
  it('is asked to stop, once, and killed only when grace and patience are over', async () => {
    const task = await wished('run', RUNNING);
    await look(task);
    await after(task, 1_000);
    await after(task, PATIENCE_MS - 1_001);
    expect(desk.transport.changes).toEqual([`askToStop ${runOf(task).job}`]);
    await after(task, 1);
    await after(task, 100);
    expect(desk.transport.changes.filter((change) => change.startsWith('kill'))).toHaveLength(2);
    expect(await isOpen(task)).toBe(true);
  });

  it('never waits longer than until the kill', async () => {
    const task = await wished('run', RUNNING);
    for (let left = PATIENCE_MS; left > 0;) {
      const result = await look(task);
      expect(result).toMatchObject({ waitMs: expect.any(Number) as number });
      const { waitMs } = result as { readonly waitMs: number };
      expect(waitMs).toBeLessThanOrEqual(left);
      await desk.clock.advance(waitMs);
      left -= waitMs;
    }
    await look(task);
    expect(asked()).toEqual(['askToStop', 'kill']);
  });

  it('that stops has its exit codes on the task, and is not killed', async () => {
    const task = await wished('run', RUNNING);
    await look(task);
    const report = newReport(runOf(task).job, { state: 'CANCELED' });
    await desk.store.inbox(
      task.id,
      runOf(task).job,
      { report },
      { signal: AbortSignal.timeout(5_000) },
    );
    await look(task);
    expect(await headOf(task)).toMatchObject({
      state: 'CANCELED',
      attempts: [{ executors: [{ exit_code: 0 }], reason: 'not wanted' }],
      debts: [{ do: 'clean' }],
    });
    expect(asked()).toEqual(['askToStop']);
  });

  it('whose report was not heard of is found by its file, and is not killed', async () => {
    const task = await wished('run', RUNNING); // as a restarted Pulsar says for ever
    await look(task);
    put(task, 'report.json', JSON.stringify(newReport(runOf(task).job)));
    await after(task, PATIENCE_MS);
    expect((await headOf(task)).state).toBe('CANCELED');
    expect(asked()).toEqual(['askToStop']);
  });

  it('whose report cannot be read ends as one without a report', async () => {
    const task = await wished('run', OVER);
    put(task, 'report.json', '{"v":1');
    await look(task);
    expect(await isOpen(task)).toBe(true);
    await after(task, settleMs);
    expect((await headOf(task)).state).toBe('CANCELED');
  });

  it('is killed in time although it could not be asked', async () => {
    const task = await wished('run', RUNNING);
    desk.transport.failing.set('askToStop', refused);
    await look(task);
    await after(task, PATIENCE_MS - 1);
    expect(asked()).toEqual(['askToStop']);
    await after(task, 1);
    expect(asked()).toEqual(['askToStop', 'kill']);
  });

  it('that waits in a batch system has no runner to wait for', async () => {
    await desk.close();
    desk = await createDesk({ queues: true });
    const task = await wished('run', { status: 'queued', final: false }, {});
    await look(task);
    expect(asked()).toEqual(['askToStop', 'kill']);
  });
});

describe('a job that Pulsar calls over without a report', () => {
  it('is believed at once with the mark of its watchdog', async () => {
    const task = await wished('run', OVER);
    put(task, 'killed', 'now');
    await look(task);
    expect(await headOf(task)).toMatchObject({ state: 'CANCELED', debts: [{ do: 'clean' }] });
  });

  it('is believed when nothing has stirred for a while, sooner when it never started', async () => {
    const started = await wished('run', OVER);
    await look(started);
    await after(started, settleMs - 1);
    expect(await isOpen(started)).toBe(true);
    await after(started, 1);
    expect((await headOf(started)).state).toBe('CANCELED');
    const fresh = await wished('run', OVER, {});
    await look(fresh);
    await after(fresh, 999);
    expect(await isOpen(fresh)).toBe(true);
    await after(fresh, 1);
    expect((await headOf(fresh)).state).toBe('CANCELED');
  });

  it('is not believed while its heartbeat changes', async () => {
    const task = await wished('run', OVER);
    for (let n = 0; n < 4; n += 1) {
      put(task, 'heartbeat.json', String(n));
      await look(task);
      await desk.clock.advance(settleMs - 1);
    }
    expect(await isOpen(task)).toBe(true);
  });
});

describe('a job that was laid down and perhaps not launched', () => {
  it('is removed after a while, and then over', async () => {
    const task = await wished('submit', { status: 'preprocessing', final: false }, {});
    await look(task);
    await after(task, launchMs - 1);
    expect(asked()).toEqual(['askToStop']);
    await after(task, 1);
    expect(asked()).toEqual(['askToStop', 'clean']);
    await look(task);
    await after(task, 1_000);
    expect((await headOf(task)).state).toBe('CANCELED');
  });

  it('is not removed when its runner has passed the gate', async () => {
    const task = await wished('submit', { status: 'preprocessing', final: false });
    await look(task);
    await after(task, launchMs);
    expect(asked()).toEqual(['askToStop']);
  });
});

describe('a Pulsar that does not answer', () => {
  it('leaves the task open, and after a long time CANCELED with a kill owed', async () => {
    const task = await wished('run', RUNNING);
    desk.transport.failing.set('status', unreachable);
    await look(task);
    await after(task, giveUpKillMs);
    expect(await isOpen(task)).toBe(true);
    await after(task, 1);
    const head = await headOf(task);
    expect(head).toMatchObject({ state: 'CANCELED', debts: [{ do: 'kill' }] });
    expect(head.log.at(-1)?.reason).toContain('will be killed when it does');
  });

  it('is waited for anew once it has answered', async () => {
    const task = await wished('run', RUNNING);
    desk.transport.failing.set('status', unreachable);
    await look(task);
    await desk.clock.advance(giveUpKillMs);
    desk.transport.failing.clear();
    await look(task);
    desk.transport.failing.set('status', unreachable);
    await after(task, 1);
    await after(task, giveUpKillMs);
    expect(await isOpen(task)).toBe(true);
  });
});
