/** Cancelling a running task: its executor may end in order, what it said until then is on the task, nothing of it runs on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesOf, signalTo } from '../support/pulsar/process.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import type { WireTask } from '../support/server/tes-client.ts';
import { until } from '../support/until.ts';

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await createSite();
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

/** What the issue promises for a running task. */
const LIMIT_MS = 5_000;

const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });

/** Says that it runs, and goes on until it is ended. */
const running = (mark: string, more: string) =>
  sh(`${more}; echo begun; touch /marks/${mark}; while :; do sleep 0.05; done`);

const start = async (mark: string, task: object): Promise<string> => {
  const id = await server.tes.create(task);
  await until(() => existsSync(join(site.marks, mark)), { what: `the start of ${mark}` });
  return id;
};

const cancel = async (id: string): Promise<{ readonly task: WireTask; readonly ms: number }> => {
  const began = performance.now();
  await server.tes.cancel(id);
  const task = await server.tes.ended(id, 30_000);
  expect(task.state).toBe('CANCELED');
  return { task, ms: performance.now() - began };
};

const executorsOf = (task: WireTask) =>
  (task.logs?.[0]?.logs ?? []).map(({ exit_code, stdout }) => [exit_code, stdout]);

const jobFolder = (id: string): string => join(site.data, 'pulsar', 'staging', `tes-${id}-1-1`);

const paid = async (): Promise<void> => {
  const jobs = () =>
    readdirSync(join(site.data, 'pulsar', 'staging')).filter((name) => name.startsWith('tes-'));
  await until(() => jobs().length === 0, { timeoutMs: 30_000, what: 'all debts to be paid' });
};

/** Processes of the executor itself; its runner may still tidy up when the task has ended. */
const executorPids = (mark: string): readonly number[] => processesOf(`/marks/${mark};`);

describe('cancel of a running task', () => {
  it('lets the executor end on TERM, and keeps exit codes and logs of all executors', async () => {
    const output = join(site.files, 'never');
    const id = await start('polite', {
      outputs: [{ url: output, path: '/work/out' }],
      executors: [
        sh('echo one > /work/out; echo first'),
        running('polite', "trap 'echo saved; exit 7' TERM"),
        sh('echo never'),
      ],
    });
    const { task, ms } = await cancel(id);
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(executorsOf(task)).toEqual([
      [0, 'first\n'],
      [7, 'begun\nsaved\n'],
    ]);
    expect(task.logs?.[0]?.system_logs?.join('\n')).toContain('cancelled by the client');
    expect(task.logs?.[0]?.outputs).toEqual([]);
    expect(existsSync(output)).toBe(false);
    expect(executorPids('polite')).toEqual([]);
  });

  it('kills an executor that ignores TERM after the grace, and keeps its log', async () => {
    const id = await start('stubborn', { executors: [running('stubborn', "trap '' TERM")] });
    const { task, ms } = await cancel(id);
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(executorsOf(task)).toEqual([[137, 'begun\n']]);
    expect(executorPids('stubborn')).toEqual([]);
  });

  it('does not depend on a runner that heeds nothing: Pulsar kills it', async () => {
    const id = await start('frozen', { executors: [running('frozen', ':')] });
    const runner = processesOf(`tes-${id}`).filter((pid) =>
      readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('runner.py'),
    );
    expect(runner).not.toEqual([]);
    const log = join(jobFolder(id), 'metadata', 'tes', '0.stdout');
    await until(() => readFileSync(log, 'utf8') === 'begun\n', { what: 'the log in the job' });
    for (const pid of runner) signalTo(pid, 'SIGSTOP');
    const { task, ms } = await cancel(id);
    expect(ms).toBeLessThan(LIMIT_MS);
    expect(task.logs).toHaveLength(1);
    expect(executorPids('frozen')).toEqual([]);
    await paid();
    const kept = await fetch(`${server.url}/ext/v1/tasks/${id}/logs/1/0/stdout`);
    expect(await kept.text()).toBe('begun\n');
  });

  it('leaves nothing of these jobs with Pulsar', paid);
});
