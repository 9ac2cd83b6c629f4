/** When a debt counts as paid: a kill once the end is proven, a cleaning once the job is over and its long logs are kept. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDebtPayer, slotsOwed, type DebtPayer } from '../../../src/dispatcher/debts.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { cancelled, failed, reported, retried, runOf } from '../../../src/tasks/attempts.ts';
import type { JobStatus } from '../../../src/tasks/ports/job-transport.ts';
import type { ReportExecutor } from '../../../src/tasks/report.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { createDesk, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { refused, unreachable } from '../../support/dispatcher/fake-transport.ts';
import { newReport } from '../../support/tasks.ts';

const { settleMs, launchMs } = DEFAULT_TIMING;
/** Longer than any pause between two looks. */
const LATER_MS = 60_000;

let desk: Desk;
let payer: DebtPayer;

beforeEach(async () => {
  desk = await createDesk();
  payer = createDebtPayer(desk.deps);
});

afterEach(async () => {
  await desk.close();
});

interface Owing {
  readonly task: Task;
  readonly job: string;
}

const owingClean = async (executor: Partial<ReportExecutor> = {}): Promise<Owing> => {
  const task = await desk.at('run');
  const { job } = runOf(task);
  const [one] = newReport(job).executors;
  const report = newReport(job, { executors: [{ ...one!, ...executor }] });
  const { head } = reported(task, report, desk.clock.now());
  return { task: await desk.write(task, head), job };
};

const owingKill = async (closing = failed): Promise<Owing> => {
  const task = await desk.at('run');
  const { head } = closing(task, { reason: 'lost', now: desk.clock.now(), owed: 'kill' });
  return { task: await desk.write(task, head), job: runOf(task).job };
};

const says = ({ job }: Owing, status: JobStatus): void => {
  desk.transport.jobs.set(job, status);
};

const isPaidAfter = async ({ task }: Owing, ms: number): Promise<boolean> => {
  await desk.clock.advance(ms);
  await payer.pay(signal);
  return (await desk.get(task.id)).head.debts.length === 0;
};

const asked = (): readonly string[] =>
  desk.transport.changes.map((change) => change.split(' ')[0]!);

const COMPLETE: JobStatus = { status: 'complete', final: true };
const RUNNING: JobStatus = { status: 'running', final: false };

describe('a cleaning', () => {
  it('waits until the job may have tidied up, then removes what is over', async () => {
    const owing = await owingClean();
    says(owing, COMPLETE);
    expect(await isPaidAfter(owing, 0)).toBe(false);
    expect(await isPaidAfter(owing, 500)).toBe(true);
    expect(asked()).toEqual(['clean']);
  });

  it('does not remove a job that still runs, and has it killed when it does not end', async () => {
    const owing = await owingClean();
    says(owing, RUNNING);
    expect(await isPaidAfter(owing, 500)).toBe(false);
    expect(asked()).toEqual([]);
    expect(await isPaidAfter(owing, settleMs + LATER_MS)).toBe(false);
    expect(asked()).toEqual(['kill']);
    says(owing, COMPLETE);
    expect(await isPaidAfter(owing, LATER_MS)).toBe(true);
  });

  it('keeps the logs that the report cut, before the job is removed', async () => {
    const cut = { stdout: '[the last 2 of 9 bytes]\n89', stdout_bytes: 9 };
    const owing = await owingClean(cut);
    says(owing, COMPLETE);
    desk.transport.files.set(`${owing.job}/tes/0.stdout`, '123456789');
    expect(await isPaidAfter(owing, 500)).toBe(true);
    expect(Object.fromEntries(desk.kept)).toEqual({ '1/0.stdout': '123456789' });
  });

  it('is paid also when there is no such log, or Pulsar or the disk refuses it', async () => {
    const cut = { stderr: '[cut]\n9', stderr_bytes: 9 };
    const missing = await owingClean(cut);
    says(missing, COMPLETE);
    expect(await isPaidAfter(missing, 500)).toBe(true);
    for (const error of [refused, new MagnetarError('INTERNAL', 'no space left on device')]) {
      const owing = await owingClean(cut);
      says(owing, COMPLETE);
      desk.transport.failing.set('download', error);
      expect(await isPaidAfter(owing, 500)).toBe(true);
    }
  });

  it('is not paid, nor the job removed, while its logs cannot be reached', async () => {
    const owing = await owingClean({ stdout: '[cut]\n9', stdout_bytes: 9 });
    says(owing, COMPLETE);
    desk.transport.failing.set('download', unreachable);
    expect(await isPaidAfter(owing, 500)).toBe(false);
    expect(asked()).toEqual([]);
    desk.transport.failing.clear();
    expect(await isPaidAfter(owing, LATER_MS)).toBe(true);
  });
});

describe('the logs of a task that ended without a report', () => {
  const executors = Array.from({ length: 4 }, () => ({ image: 'any', command: ['true'] }));

  const killed = async (closing: typeof failed, owed: 'clean' | 'kill'): Promise<Owing> => {
    const task = await desk.at('run', { wish: { spec: { executors } } });
    const { head } = closing(task, { reason: 'gone', now: desk.clock.now(), owed });
    const owing = { task: await desk.write(task, head), job: runOf(task).job };
    says(owing, { status: 'cancelled', final: true });
    return owing;
  };

  const put = ({ job }: Owing, files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      desk.transport.files.set(`${job}/tes/${name}`, text);
    }
  };

  const LOGS = { '0.stdout': 'first', '0.stderr': '', '1.stdout': 'half', '1.stderr': 'oh' };
  const KEPT = Object.fromEntries(Object.entries(LOGS).map(([name, log]) => [`1/${name}`, log]));

  it.each([
    ['CANCELED', cancelled, 'clean'],
    ['SYSTEM_ERROR', failed, 'clean'],
    ['SYSTEM_ERROR', failed, 'kill'],
  ] as const)('%s are kept before the job is removed', async (_, closing, owed) => {
    const owing = await killed(closing, owed);
    put(owing, { ...LOGS, '3.stdout': 'of nobody: there is no executor 2' });
    expect(await isPaidAfter(owing, settleMs + LATER_MS)).toBe(true);
    expect(Object.fromEntries(desk.kept)).toEqual(KEPT);
    expect(asked().at(-1)).toBe('clean');
  });

  it('are not looked for when it is tried again: nothing has begun', async () => {
    const owing = await killed(retried, 'kill');
    put(owing, LOGS);
    expect(await isPaidAfter(owing, settleMs + LATER_MS)).toBe(true);
    expect(desk.kept.size).toBe(0);
  });

  it('do not keep the job when they cannot be kept', async () => {
    const owing = await killed(failed, 'clean');
    put(owing, LOGS);
    desk.transport.failing.set('download', refused);
    expect(await isPaidAfter(owing, 500)).toBe(true);
  });
});

describe('a kill', () => {
  it('is believed with a proof of the runner', async () => {
    for (const name of ['killed', 'report.json']) {
      const owing = await owingKill();
      says(owing, { status: 'cancelled', final: true });
      desk.transport.files.set(`${owing.job}/tes/${name}`, 'x');
      expect(await isPaidAfter(owing, 1)).toBe(true);
    }
  });

  it('is believed without a proof only after a while', async () => {
    const owing = await owingKill();
    says(owing, { status: 'cancelled', final: true });
    expect(await isPaidAfter(owing, settleMs)).toBe(false);
    expect(await isPaidAfter(owing, LATER_MS)).toBe(true);
  });

  it('is repeated as long as Pulsar says that the job runs', async () => {
    const owing = await owingKill();
    says(owing, RUNNING);
    for (let n = 0; n < 3; n += 1) expect(await isPaidAfter(owing, LATER_MS)).toBe(false);
    expect(asked()).toEqual(['kill', 'kill', 'kill']);
  });

  it('of a job that was never launched is paid by removing it, after the time of a launch', async () => {
    const owing = await owingKill();
    says(owing, { status: 'preprocessing', final: false });
    expect(await isPaidAfter(owing, launchMs)).toBe(false);
    expect(await isPaidAfter(owing, LATER_MS)).toBe(true);
    expect(asked().at(-1)).toBe('clean');
  });

  it('lets the next attempt be claimed only when it is paid', async () => {
    const owing = await owingKill(retried);
    says(owing, RUNNING);
    expect(await isPaidAfter(owing, 1)).toBe(false);
    expect((await desk.get(owing.task.id)).head.ready).toBe(false);
    expect(slotsOwed(await desk.store.debts('local', { signal }))).toEqual([
      { cores: 1, ram_bytes: 0 },
    ]);
    desk.transport.jobs.delete(owing.job);
    expect(await isPaidAfter(owing, LATER_MS)).toBe(true);
    expect((await desk.get(owing.task.id)).head.ready).toBe(true);
  });
});

describe('a payer that may not act', () => {
  it('asks nothing of Pulsar once the lease is lost', async () => {
    const owing = await owingKill();
    const lost = new MagnetarError('LEASE_LOST', 'gone');
    payer = createDebtPayer({
      ...desk.deps,
      assertOwner: () => {
        throw lost;
      },
    });
    await desk.clock.advance(1);
    await expect(payer.pay(signal)).rejects.toBe(lost);
    expect(asked()).toEqual([]);
    expect((await desk.get(owing.task.id)).head.debts).toHaveLength(1);
  });

  it('leaves debts of other destinations alone', async () => {
    const owing = await owingKill();
    const { task } = owing;
    await desk.write(task, {
      ...task.head,
      debts: task.head.debts.map((debt) => ({ ...debt, destination: 'far' })),
    });
    expect(await isPaidAfter(owing, LATER_MS)).toBe(false);
    expect(asked()).toEqual([]);
  });
});
