/** The runner dies without a word while nobody could hear of its container: the command is not run a second time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesOf, signalTo } from '../support/pulsar/process.ts';
import { createSite, startServer, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';

let site: Site;

beforeAll(async () => {
  site = await createSite({ program: 'deadly' });
});

afterAll(async () => {
  await site.remove();
});

const marks = (): number => {
  try {
    return readFileSync(join(site.marks, 'once'), 'utf8').split('\n').filter(Boolean).length;
  } catch {
    return 0;
  }
};

it('kill -9 of the server before the gate is told, then of the runner: the task fails, visibly, after one run', async () => {
  const doomed = await startServer(site, {
    chaos: { call: 'inbox', when: 'after', fact: 'started' },
  });
  await doomed.tes.create({
    executors: [{ image: 'any', command: ['sh', '-c', 'echo ran >> /marks/once; sleep 30'] }],
  });
  expect(await doomed.ended).toBe('SIGKILL');
  await until(() => marks() === 1, { timeoutMs: 30_000, what: 'the command to run' });
  const [job] = readdirSync(join(site.data, 'pulsar', 'staging')).filter((name) =>
    name.startsWith('tes-'),
  );
  for (const pid of processesOf(job ?? 'none')) signalTo(pid, 'SIGKILL');
  const server = await startServer(site);
  try {
    const answer = await fetch(`${server.url}/v1/tasks`);
    const { tasks } = (await answer.json()) as { tasks: readonly { id: string }[] };
    const task = await server.tes.ended(tasks[0]?.id ?? '', 120_000);
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(task.logs).toHaveLength(1);
    expect(marks()).toBe(1);
  } finally {
    await server.stop();
  }
});
