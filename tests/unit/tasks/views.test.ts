import { describe, expect, it } from 'vitest';
import { progressing } from '../../../src/tasks/attempts.ts';
import { newJobId } from '../../../src/tasks/ids.ts';
import type { Part, Task, TaskHead } from '../../../src/tasks/task.ts';
import { parseView, renderSummary, renderTask } from '../../../src/tasks/views.ts';
import { createDesk } from '../../support/dispatcher/desk.ts';
import { storedTask } from '../../support/tasks.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

const partOf = (
  task: Task,
  attempt: number,
  kind: Part['kind'],
  text: string,
  index = 0,
): Part => ({
  task: task.id,
  attempt,
  kind,
  index,
  text,
});

const withAttempt = (task: Task, fields: object = {}): Task => ({
  ...task,
  head: {
    ...task.head,
    state: 'RUNNING',
    attempts: [
      {
        n: 1,
        destination: 'here',
        job: newJobId(task.id, 1, 1),
        start: NOW,
        executors: [
          { i: 1, start: NOW + 2, end: NOW + 3, exit_code: 1, stdout_bytes: 0, stderr_bytes: 1 },
          { i: 0, start: NOW, end: NOW + 1, exit_code: 0, stdout_bytes: 1, stderr_bytes: 0 },
        ],
        outputs_n: 2,
        metadata: {},
        ...fields,
      },
    ],
  },
});

describe('views', () => {
  it.each([
    ['MINIMAL', 'MINIMAL'],
    ['basic', 'BASIC'],
    ['Full', 'FULL'],
    ['', undefined],
    ['FULLER', undefined],
  ])('parseView(%j) = %s (T53)', (text, view) => {
    expect(parseView(text)).toBe(view);
  });

  it('T48: a summary has exactly two keys', () => {
    const { id } = storedTask();
    expect(renderSummary({ id, state: 'RUNNING' })).toEqual({ id, state: 'RUNNING' });
  });

  it('shows what the job of the last attempt moves at the moment, as a line of its log', async () => {
    const desk = await createDesk();
    const task = await desk.at('run');
    const line = 'fetching inputs: 3 of 10 files, 1.2 of 4.0 GiB';
    const logsOf = (head: TaskHead) =>
      renderTask({ ...task, head }, [partOf(task, 0, 'syslog', '["a note"]')], 'FULL').logs?.[0];
    expect(logsOf(progressing(task, line, NOW))?.system_logs).toEqual(['a note', line]);
    expect(logsOf(progressing(task, undefined, NOW))?.system_logs).toEqual(['a note']);
    await desk.close();
  });

  it('shows executor logs in order, and joins the pieces of an output list', () => {
    const task = withAttempt(storedTask({ now: NOW }));
    const output = (n: number) => ({ url: `/o${String(n)}`, path: '/o', size_bytes: String(n) });
    const parts = [
      partOf(task, 1, 'stdout', 'first', 0),
      partOf(task, 1, 'stderr', 'second', 1),
      partOf(task, 1, 'outputs', JSON.stringify([output(1)]), 0),
      partOf(task, 1, 'outputs', JSON.stringify([output(2)]), 1),
    ];
    const { logs, creation_time } = renderTask(task, parts, 'FULL');
    expect(creation_time).toBe('2026-01-02T03:04:05.006Z');
    expect(logs?.[0]?.outputs).toEqual([output(1), output(2)]);
    expect(logs?.[0]?.logs).toEqual([
      {
        start_time: '2026-01-02T03:04:05.006Z',
        end_time: '2026-01-02T03:04:05.007Z',
        stdout: 'first',
        stderr: '',
        exit_code: 0,
      },
      {
        start_time: '2026-01-02T03:04:05.008Z',
        end_time: '2026-01-02T03:04:05.009Z',
        stdout: '',
        stderr: 'second',
        exit_code: 1,
      },
    ]);
  });

  it('puts the notes of the creation first, and no reason twice', () => {
    const base = withAttempt(storedTask(), { reason: 'disk full' });
    const task: Task = {
      ...base,
      head: {
        ...base.head,
        state: 'SYSTEM_ERROR',
        log: [
          ...base.head.log,
          { seq: 2, attempt: 1, to: 'SYSTEM_ERROR', at: NOW, reason: 'disk full' },
        ],
      },
    };
    const parts = [
      partOf(task, 0, 'syslog', '["a note"]'),
      partOf(task, 1, 'syslog', '["E: disk full"]'),
    ];
    expect(renderTask(task, parts, 'FULL').logs?.[0]?.system_logs).toEqual([
      'a note',
      'E: disk full',
    ]);
    expect(renderTask(task, [], 'FULL').logs?.[0]?.system_logs).toEqual(['disk full']);
    expect(renderTask(task, parts, 'BASIC').logs?.[0]?.system_logs).toBeUndefined();
  });

  it('C40: gives a reason even where none was recorded', () => {
    const task = storedTask();
    const ended: Task = { ...task, head: { ...task.head, state: 'CANCELED' } };
    expect(renderTask(ended, [], 'FULL').logs?.[0]?.system_logs).toEqual([
      'the task ended as CANCELED',
    ]);
  });
});
