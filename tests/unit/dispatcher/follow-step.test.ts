/** Which words and signs end an attempt, and when a command may be run once more: only if it cannot have begun. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hear } from '../../../src/dispatcher/attempt-context.ts';
import { followStep } from '../../../src/dispatcher/follow-step.ts';
import { DEFAULT_TIMING, MAX_ATTEMPTS } from '../../../src/dispatcher/timing.ts';
import { runOf } from '../../../src/tasks/attempts.ts';
import type { JobStatus } from '../../../src/tasks/ports/job-transport.ts';
import type { ReportOutput } from '../../../src/tasks/report.ts';
import type { Inbox, Task } from '../../../src/tasks/task.ts';
import { createDesk, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { refused, unreachable } from '../../support/dispatcher/fake-transport.ts';
import { newReport } from '../../support/tasks.ts';

const { settleMs, silenceMs, startMs, quietMs, collectMs } = DEFAULT_TIMING;

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

const poll = ({ id }: Task) => desk.step(id, (input) => followStep(input, false));

const put = (task: Task, name: string, text: string): void => {
  desk.transport.files.set(`${runOf(task).job}/tes/${name}`, text);
};

const says = (task: Task, status: JobStatus): void => {
  desk.transport.jobs.set(runOf(task).job, status);
};

const reportText = (task: Task, change = {}): string =>
  JSON.stringify(newReport(runOf(task).job, change));

describe('facts in the inbox', () => {
  it('a report ends the task without asking Pulsar', async () => {
    desk.transport.failing.set('status', unreachable);
    const bare = await desk.at('run');
    const report = newReport(runOf(bare).job);
    const task = await desk.write(bare, {
      ...bare.head,
      run: { ...runOf(bare), inbox: { report } },
    });
    await poll(task);
    expect((await desk.get(task.id)).head).toMatchObject({
      state: 'COMPLETE',
      debts: [{ do: 'clean' }],
    });
  });

  it('a container that runs is shown', async () => {
    const task = await desk.at('run', { inbox: { executing: 1 } });
    expect(await poll(task)).toBe('wait');
    expect((await desk.get(task.id)).head.state).toBe('RUNNING');
  });

  it('a ring alone asks nobody', async () => {
    const task = await desk.at('run');
    desk.transport.failing.set('status', unreachable);
    expect(await desk.step(task.id, (input) => followStep(input, true))).toBe('wait');
  });
});

describe('what a job says that it moves', () => {
  const shown = async ({ id }: Task): Promise<string | undefined> => {
    const { head } = await desk.get(id);
    return head.run?.progress;
  };
  const hears = (task: Task, progress: string | undefined, now: number) =>
    desk.step(task.id, (input) => {
      hear(input.watch, progress, { now, everyMs: 10 });
      return followStep(input, true);
    });

  it('is written, but not too often, and dropped once nothing moves', async () => {
    const task = await desk.at('run');
    await hears(task, '1 of 3', 0);
    expect(await shown(task)).toBe('1 of 3');
    await hears(task, '2 of 3', 9);
    expect(await shown(task)).toBe('1 of 3');
    await hears(task, '3 of 3', 10);
    expect(await shown(task)).toBe('3 of 3');
    await hears(task, undefined, 11);
    expect(await shown(task)).toBeUndefined();
    expect(await desk.get(task.id)).not.toHaveProperty('head.run.progress');
  });

  it('is not written twice', async () => {
    const task = await desk.at('run');
    await hears(task, '1 of 3', 0);
    const { rev } = await desk.get(task.id);
    await hears(task, '1 of 3', 20);
    expect(await desk.get(task.id)).toHaveProperty('rev', rev);
  });
});

describe('the report', () => {
  it.each(['in the status', 'on the disk'])('counts %s', async (where) => {
    const task = await desk.at('run');
    const text = reportText(task, { state: 'EXECUTOR_ERROR' });
    const carried = where === 'in the status' ? { report: text } : {};
    says(task, { status: 'complete', final: true, ...carried });
    if (where === 'on the disk') put(task, 'report.json', text);
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('EXECUTOR_ERROR');
  });

  it('of another job, or that is none, does not', async () => {
    const task = await desk.at('run');
    says(task, { status: 'complete', final: true, report: JSON.stringify(newReport('other')) });
    put(task, 'report.json', '{"v":1');
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('INITIALIZING');
  });

  it('counts although Pulsar says running for ever', async () => {
    const task = await desk.at('run');
    says(task, { status: 'running', final: false });
    put(task, 'report.json', reportText(task));
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('INITIALIZING'); // not quiet yet: its beacon may come
    await desk.clock.advance(quietMs);
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('COMPLETE');
  });
});

describe('a report that cannot be read', () => {
  const BAD: Readonly<Record<string, readonly [text: (task: Task) => string, why: string]>> = {
    'is longer than one may be': [
      (task) => reportText(task, { system_logs: ['x'.repeat(2 * 1024 * 1024)] }),
      'it is longer than 2097152 bytes',
    ],
    'breaks its form': [
      (task) => reportText(task, { outputs: [{ size: 'big' }] }),
      'outputs[0].i is required',
    ],
    'is of another job': [
      () => JSON.stringify(newReport('other')),
      'it is the report of another job',
    ],
  };

  it.each(
    Object.entries(BAD).flatMap(([name, [text, why]]) =>
      [true, false].map((final) => [name, final, text, why] as const),
    ),
  )('%s, Pulsar says over: %s: ends the task and says why', async (_, final, text, why) => {
    const task = await desk.at('run', { inbox: { started: 1 } });
    says(task, final ? { status: 'complete', final } : { status: 'running', final });
    put(task, 'report.json', text(task));
    await poll(task);
    if (!final) await desk.clock.advance(quietMs);
    await poll(task);
    expect((await desk.get(task.id)).head.run).toBeDefined();
    await desk.clock.advance(settleMs);
    await poll(task);
    const { head } = await desk.get(task.id);
    expect(head).toMatchObject({ state: 'SYSTEM_ERROR', debts: [{ do: 'clean' }] });
    expect(head.log.at(-1)?.reason).toBe(`the report of the job cannot be read: ${why}`);
  });

  it('is looked at again, for its transfer may have gone wrong', async () => {
    const task = await desk.at('run');
    says(task, { status: 'complete', final: true });
    put(task, 'report.json', '{"v":1');
    expect(await poll(task)).toMatchObject({ waitMs: settleMs / 8 });
    put(task, 'report.json', reportText(task));
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('COMPLETE');
  });
});

/** What may be left of a job that ended without a report, and whether its command may run once more. */
interface Evidence {
  readonly inbox?: Inbox;
  readonly files?: Readonly<Record<string, string>>;
  readonly again: boolean;
}

const EVIDENCE: Readonly<Record<string, Evidence>> = {
  'nothing at all': { again: true },
  'a heartbeat before any container': {
    inbox: { started: 1 },
    files: { 'heartbeat.json': '{"time":"x","phase":"inputs"}' },
    again: true,
  },
  'a container was told of': { inbox: { executing: 1 }, again: false },
  'a heartbeat of the executors': {
    files: { 'heartbeat.json': '{"time":"x","phase":"executors"}' },
    again: false,
  },
  'a heartbeat of the image phase, in which containers may start': {
    files: { 'heartbeat.json': '{"time":"x","phase":"image"}' },
    again: false,
  },
  'a heartbeat that is broken': { files: { 'heartbeat.json': '{"ti' }, again: false },
  'the log of an executor': {
    files: { 'heartbeat.json': '{"time":"x","phase":"inputs"}', '0.stdout': '' },
    again: false,
  },
  'it passed the gate and nothing is left': { inbox: { started: 1 }, again: false },
};

describe('a job that is over without a report', () => {
  const lose = async (evidence: Evidence): Promise<Task> => {
    const task = await desk.at('run', { inbox: evidence.inbox ?? {} });
    for (const [name, text] of Object.entries(evidence.files ?? {})) put(task, name, text);
    says(task, { status: 'complete', final: true });
    await poll(task);
    await poll(task); // the first may show the task as RUNNING, or see the heartbeat
    await desk.clock.advance(settleMs - 1);
    await poll(task);
    expect((await desk.get(task.id)).head.run).toBeDefined();
    await desk.clock.advance(settleMs);
    await poll(task);
    return desk.get(task.id);
  };

  it.each(Object.entries(EVIDENCE))('%s', async (_, evidence) => {
    const { head } = await lose(evidence);
    expect(head.run).toBeUndefined();
    expect(head.state).toBe(evidence.again ? 'INITIALIZING' : 'SYSTEM_ERROR');
    expect(head.ready).toBe(false); // nothing is claimed before the last job is closed
    expect(head.debts).toMatchObject([{ do: 'kill' }]);
  });

  it('is asked for its log without a piece of it being held', async () => {
    const held: string[] = [];
    const { fetch } = desk.transport;
    desk.transport.fetch = (job, name, options) => {
      held.push(name);
      return fetch(job, name, options);
    };
    const evidence = EVIDENCE['the log of an executor'] ?? { again: true };
    expect((await lose(evidence)).head.state).toBe('SYSTEM_ERROR');
    expect(held).toContain('tes/heartbeat.json');
    expect(held).not.toContain('tes/0.stdout');
  });

  it('is not run again when nobody can look at what it left', async () => {
    const task = await desk.at('run');
    says(task, { status: 'complete', final: true });
    await poll(task);
    await desk.clock.advance(settleMs);
    await desk.step(task.id, (input) => {
      const transport = {
        ...desk.transport,
        download: (...args: Parameters<typeof desk.transport.download>) =>
          args[1] === 'tes/0.stdout' ? Promise.reject(refused) : desk.transport.download(...args),
      };
      return followStep({ ...input, deps: { ...input.deps, transport } }, false);
    });
    expect((await desk.get(task.id)).head.state).toBe('SYSTEM_ERROR');
  });

  it('is not run again after the last attempt', async () => {
    const first = await desk.at('run');
    const run = { ...runOf(first), n: MAX_ATTEMPTS };
    const [one] = first.head.attempts;
    const attempts = Array.from({ length: MAX_ATTEMPTS }, (_, n) => ({ ...one!, n: n + 1 }));
    const task = await desk.write(first, { ...first.head, run, attempts });
    says(task, { status: 'lost', final: true });
    await poll(task);
    await desk.clock.advance(settleMs);
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('SYSTEM_ERROR');
  });

  it('still lives as long as its heartbeat changes', async () => {
    const task = await desk.at('run');
    says(task, { status: 'lost', final: true });
    for (let n = 0; n < 5; n += 1) {
      put(task, 'heartbeat.json', `{"time":"${String(n)}","phase":"executors"}`);
      await poll(task);
      await desk.clock.advance(settleMs);
    }
    expect((await desk.get(task.id)).head.run).toBeDefined();
  });
});

describe('a job that Pulsar calls running', () => {
  const isFollowedFor = async (task: Task, ms: number): Promise<boolean> => {
    await poll(task);
    await desk.clock.advance(ms);
    await poll(task);
    return (await desk.get(task.id)).head.run !== undefined;
  };

  it('is given up when it never gave a sign, and when its signs ended', async () => {
    const never = await desk.at('run');
    says(never, { status: 'running', final: false });
    expect(await isFollowedFor(never, startMs - 1)).toBe(true);
    expect(await isFollowedFor(never, 1)).toBe(false);
    const started = await desk.at('run', { inbox: { started: 1 } });
    says(started, { status: 'running', final: false });
    expect(await isFollowedFor(started, silenceMs - 1)).toBe(true);
    expect(await isFollowedFor(started, 1)).toBe(false);
  });

  it('is over at once when its watchdog says that it was killed', async () => {
    const task = await desk.at('run', { inbox: { started: 1 } });
    says(task, { status: 'running', final: false });
    put(task, 'killed', 'now');
    expect(await isFollowedFor(task, quietMs)).toBe(false);
    expect((await desk.get(task.id)).head.debts).toMatchObject([{ do: 'clean' }]);
  });

  it('is not given up while Pulsar does not answer', async () => {
    const task = await desk.at('run', { inbox: { started: 1 } });
    says(task, { status: 'running', final: false });
    await poll(task);
    desk.transport.failing.set('status', unreachable);
    await desk.clock.advance(10 * silenceMs);
    await poll(task);
    desk.transport.failing.clear();
    await poll(task);
    expect((await desk.get(task.id)).head.run).toBeDefined();
  });

  it('may wait in the queue of a batch system', async () => {
    await desk.close();
    desk = await createDesk({ queues: true });
    const task = await desk.at('run');
    says(task, { status: 'queued', final: false });
    expect(await isFollowedFor(task, 10 * startMs)).toBe(true);
  });
});

describe('a list of outputs longer than the report', () => {
  const rows: readonly ReportOutput[] = Array.from({ length: 1200 }, (_, n) => ({
    i: 0,
    path: `/out/${String(n)}`,
    url: `/srv/${String(n)}`,
    size: n,
  }));
  const ended = async (): Promise<Task> => {
    const task = await desk.at('run');
    const change = { outputs: rows.slice(0, 40), cut: { outputs: 1200 } };
    says(task, { status: 'complete', final: true, report: reportText(task, change) });
    put(task, 'outputs.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return task;
  };
  const listed = async ({ id }: Task): Promise<number> =>
    (await desk.store.parts([id], ['outputs'], { signal })).flatMap(
      ({ text }) => JSON.parse(text) as unknown[],
    ).length;

  it('is fetched before the task ends', async () => {
    const task = await ended();
    await poll(task);
    expect((await desk.get(task.id)).head.attempts).toMatchObject([{ outputs_n: 1200 }]);
    expect(await listed(task)).toBe(1200);
  });

  it('holds the end up for a while when it is not handed out, and no longer', async () => {
    const task = await ended();
    desk.transport.failing.set('download', unreachable);
    await poll(task);
    await desk.clock.advance(collectMs - 1);
    await poll(task);
    expect((await desk.get(task.id)).head.run).toBeDefined();
    await desk.clock.advance(1);
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('COMPLETE');
    expect(await listed(task)).toBe(40);
  });

  it('does not wait for what Pulsar refuses', async () => {
    const task = await ended();
    desk.transport.failing.set('download', refused);
    await poll(task);
    expect((await desk.get(task.id)).head.state).toBe('COMPLETE');
  });
});
