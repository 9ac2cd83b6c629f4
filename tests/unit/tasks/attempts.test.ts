import { describe, expect, it } from 'vitest';
import {
  atPoint,
  cancelled,
  claimed,
  endedWaiting,
  executing,
  failed,
  paid,
  redone,
  reported,
  retried,
  runOf,
} from '../../../src/tasks/attempts.ts';
import type { Task, TaskHead } from '../../../src/tasks/task.ts';
import { newReport, storedTask } from '../../support/tasks.ts';

const NOW = 1_800_000_000_000;

const after = (task: Task, head: TaskHead): Task => ({ ...task, rev: task.rev + 1, head });

const claimedTask = (): Task => {
  const task = storedTask({ now: NOW });
  const slots = { cores: 2, ram_bytes: 10 };
  return after(task, claimed(task, { destination: 'local', epoch: 7, slots, now: NOW + 1 }));
};

describe('claimed', () => {
  it('begins the first attempt at prepare and takes the task out of the queue', () => {
    const task = claimedTask();
    expect(task.head).toMatchObject({ state: 'INITIALIZING', ready: false });
    expect(runOf(task)).toMatchObject({ n: 1, try: 1, epoch: 7, point: 'prepare', inbox: {} });
    expect(runOf(task).job).toBe(`tes-${task.id}-1-1`);
    expect(task.head.log.at(-1)).toEqual({
      seq: 2,
      attempt: 1,
      from: 'QUEUED',
      to: 'INITIALIZING',
      at: NOW + 1,
    });
  });
});

describe('redone', () => {
  it('gives the attempt a new job id and owes a kill of the old one', () => {
    const task = claimedTask();
    const again = after(task, redone(task, NOW + 2));
    expect(runOf(again)).toMatchObject({ n: 1, try: 2, point: 'prepare', inbox: {} });
    expect(again.head.attempts.map(({ job }) => job)).toEqual([`tes-${task.id}-1-2`]);
    expect(again.head.debts).toMatchObject([{ job: `tes-${task.id}-1-1`, do: 'kill' }]);
  });
});

describe('reported', () => {
  it('ends a running task with the verdict of the report and owes the cleaning', () => {
    const task = claimedTask();
    const running = after(task, executing(task, NOW + 3));
    const report = newReport(runOf(task).job, {
      system_logs: ['note'],
      outputs: [{ i: 0, path: '/out', url: '/srv/out', size: 5 }],
    });
    const { head, parts } = reported(running, report, NOW + 4);
    expect(head).toMatchObject({ state: 'COMPLETE', ready: false, ended: NOW + 4 });
    expect(head.run).toBeUndefined();
    expect(head.attempts).toMatchObject([
      { end: NOW + 4, outputs_n: 1, executors: [{ exit_code: 0 }] },
    ]);
    expect(head.debts).toMatchObject([{ do: 'clean' }]);
    expect(parts.map(({ kind, text }) => [kind, text])).toEqual([
      ['stdout', 'out'],
      ['syslog', '["note"]'],
      ['outputs', '[{"url":"/srv/out","path":"/out","size_bytes":"5"}]'],
    ]);
  });

  it('splits a long list of outputs into parts below 1 MiB, in order', () => {
    const task = claimedTask();
    const outputs = Array.from({ length: 5_000 }, (_, n) => ({
      i: 0,
      path: `/out/${'ü'.repeat(200)}${String(n)}`,
      url: '/srv',
      size: n,
    }));
    const { head, parts } = reported(task, newReport(runOf(task).job, { outputs }), NOW);
    const lists = parts.filter(({ kind }) => kind === 'outputs');
    expect(lists.map(({ index }) => index)).toEqual(lists.map((_, n) => n));
    expect(lists.length).toBeGreaterThan(1);
    for (const { text } of lists) expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
    const rows = lists.flatMap(({ text }) => JSON.parse(text) as { readonly path: string }[]);
    expect(rows.map(({ path }) => path)).toEqual(outputs.map(({ path }) => path));
    expect(head.attempts).toMatchObject([{ outputs_n: 5_000 }]);
  });

  it('owes the whole of a stream of which the report has only the end', () => {
    const task = claimedTask();
    const [executor] = newReport('x').executors;
    const long = { ...executor!, stdout: '[the last 1 of 9 bytes]\nx', stdout_bytes: 9 };
    const report = newReport(runOf(task).job, { executors: [long] });
    const keep = [{ executor: 0, stream: 'stdout', bytes: 9 }];
    expect(reported(task, report, NOW).head.debts).toMatchObject([{ do: 'clean', keep }]);
    const closing = { reason: 'wish', now: NOW, owed: 'clean', report } as const;
    expect(cancelled(task, closing).head.debts).toMatchObject([{ do: 'clean', keep }]);
  });

  it('shows RUNNING before the end although only the report told of it', () => {
    const task = claimedTask();
    const { head } = reported(task, newReport(runOf(task).job), NOW + 4);
    expect(head.log.map(({ to }) => to)).toEqual(['QUEUED', 'INITIALIZING', 'RUNNING', 'COMPLETE']);
  });

  it('calls a job that was ended from outside a system error', () => {
    const task = claimedTask();
    const error = { code: 'CANCELED', message: 'got SIGTERM', phase: 'executors' };
    const report = newReport(runOf(task).job, { state: 'CANCELED', error, executors: [] });
    const { head, parts } = reported(task, report, NOW + 4);
    expect(head.state).toBe('SYSTEM_ERROR');
    expect(parts).toMatchObject([{ kind: 'syslog', text: '["CANCELED: got SIGTERM"]' }]);
  });
});

describe('attempts closed without a result', () => {
  const closing = { reason: 'lost', now: NOW + 9, owed: 'kill' } as const;

  it('retried waits for the end of its last job, shown as INITIALIZING; the next claim appends an attempt', () => {
    const task = claimedTask();
    const parked = after(task, retried(task, closing).head);
    expect(parked.head).toMatchObject({ state: 'INITIALIZING', ready: false });
    const waiting = after(parked, paid(parked, runOf(task).job, NOW + 9));
    expect(waiting.head).toMatchObject({ state: 'INITIALIZING', ready: true, debts: [] });
    expect(parked.head.debts).toMatchObject([{ do: 'kill', slots: { cores: 2, ram_bytes: 10 } }]);
    const slots = { cores: 0, ram_bytes: 0 };
    const second = claimed(waiting, { destination: 'far', epoch: 1, slots, now: NOW + 10 });
    expect(second.run).toMatchObject({ n: 2, try: 1, destination: 'far' });
    expect(second.attempts).toMatchObject([{ n: 1, reason: 'lost' }, { n: 2 }]);
  });

  it('failed is a system error with the reason; cancelled keeps what the report had', () => {
    const task = claimedTask();
    expect(failed(task, closing).head).toMatchObject({
      state: 'SYSTEM_ERROR',
      attempts: [{ reason: 'lost' }],
    });
    const report = newReport(runOf(task).job);
    const { head } = cancelled(task, { ...closing, owed: 'clean', report });
    expect(head).toMatchObject({ state: 'CANCELED', attempts: [{ executors: [{ i: 0 }] }] });
    expect(cancelled(task, { ...closing, owed: 'nothing' }).head.debts).toEqual([]);
  });

  it('retried after a confirmed end may be claimed at once', () => {
    const task = claimedTask();
    expect(retried(task, { ...closing, owed: 'clean' }).head.ready).toBe(true);
  });

  it('a debt is paid once', () => {
    const task = claimedTask();
    const owing = after(task, failed(task, closing).head);
    const settled = paid(owing, runOf(task).job, NOW + 20);
    expect(settled).toMatchObject({ debts: [], ready: false });
  });
});

describe('moves that the table forbids', () => {
  it('refuses to leave a terminal state', () => {
    const task = storedTask();
    const ended = after(task, endedWaiting(task, 'CANCELED', 'why', NOW));
    expect(() => endedWaiting(ended, 'SYSTEM_ERROR', 'again', NOW)).toThrow(
      /CANCELED to SYSTEM_ERROR/,
    );
  });

  it('records a point without a transition', () => {
    const task = claimedTask();
    const head = atPoint(task, 'submit', NOW + 5);
    expect(head.run?.point).toBe('submit');
    expect(head.log).toHaveLength(2);
  });
});
