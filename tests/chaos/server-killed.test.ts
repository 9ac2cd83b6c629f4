/** kill -9 of the server at each recorded point: after a restart every task ends exactly once, each container ran once, no debt stays unpaid. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import type { ChaosPoint } from '../support/server/chaos.ts';
import {
  createSite,
  killPulsar,
  startServer,
  type Server,
  type Site,
} from '../support/server/server.ts';
import { until } from '../support/until.ts';

let site: Site;
let server: Server | undefined;

beforeAll(async () => {
  site = await createSite({ program: 'deadly' });
});

afterEach(async () => {
  await server?.kill();
  server = undefined;
});

afterAll(async () => {
  await site.remove();
});

/** Leaves a mark each time it runs. */
const marking = (name: string, seconds = 0.3) => ({
  name,
  executors: [
    {
      image: 'any',
      command: ['sh', '-c', `echo ran >> /marks/${name}; sleep ${String(seconds)}; echo said`],
    },
  ],
  outputs: [],
});

const marksOf = (name: string): number => {
  try {
    return readFileSync(join(site.marks, name), 'utf8').split('\n').filter(Boolean).length;
  } catch {
    return 0;
  }
};

/** What is still owed, read from the closed database. */
const debtsLeft = (): number => {
  const database = new Database(join(site.data, 'magnetar.db'), { readonly: true });
  try {
    const row = database.prepare('SELECT count(*) AS n FROM debts').get() as { n: number };
    return row.n;
  } finally {
    database.close();
  }
};

/** Job folders that Pulsar still has. */
const jobsLeft = (): readonly string[] =>
  readdirSync(join(site.data, 'pulsar', 'staging')).filter((name) => name.startsWith('tes-'));

const POINTS: readonly (readonly [string, ChaosPoint])[] = [
  ['acknowledged, waiting for a claim', { call: 'create', when: 'after' }],
  ['claimed', { call: 'write', when: 'after', point: 'prepare' }],
  ['submit recorded, nothing sent', { call: 'write', when: 'after', point: 'submit' }],
  ['sent, not recorded', { call: 'submit', when: 'after' }],
  ['run recorded', { call: 'write', when: 'after', point: 'run', state: 'INITIALIZING' }],
  ['the gate passed', { call: 'inbox', when: 'after', fact: 'started' }],
  ['running', { call: 'write', when: 'after', state: 'RUNNING' }],
  ['before the report is kept', { call: 'inbox', when: 'before', fact: 'report' }],
  ['report kept', { call: 'inbox', when: 'after', fact: 'report' }],
  ['before the final write', { call: 'write', when: 'before', state: 'COMPLETE' }],
  ['after the final write', { call: 'write', when: 'after', state: 'COMPLETE' }],
];

/** The id that a server stored, although its answer may have been lost with it. */
const onlyId = async (live: Server, name: string): Promise<string> => {
  const answer = await fetch(`${live.url}/v1/tasks?name_prefix=${name}`);
  const { tasks } = (await answer.json()) as { readonly tasks: readonly { readonly id: string }[] };
  expect(tasks).toHaveLength(1);
  return tasks[0]?.id ?? '';
};

const endsOnce = async (name: string): Promise<void> => {
  server = await startServer(site);
  const id = await onlyId(server, name);
  const task = await server.tes.ended(id);
  expect(task.state, JSON.stringify(task)).toBe('COMPLETE');
  expect(task.logs?.at(-1)?.logs.map(({ exit_code, stdout }) => [exit_code, stdout])).toEqual([
    [0, 'said\n'],
  ]);
  expect(task.logs).toHaveLength(1);
  expect(marksOf(name)).toBe(1);
};

const paysDebts = async (): Promise<void> => {
  const live = server;
  if (live === undefined) return;
  await until(() => debtsLeft() === 0, {
    timeoutMs: 30_000,
    everyMs: 100,
    what: 'all debts to be paid',
  });
  expect(jobsLeft()).toEqual([]);
  await live.stop();
};

describe('kill -9 of the server', () => {
  it.each(POINTS)('%s: the task ends once with its result', async (what, chaos) => {
    const name = what.replaceAll(/\W+/g, '-');
    const doomed = await startServer(site, { chaos });
    await doomed.tes.create(marking(name)).catch(() => undefined);
    expect(await doomed.ended).toBe('SIGKILL');
    await endsOnce(name);
    await paysDebts();
  });
});

describe('kill -9 of the embedded Pulsar', () => {
  it('while a task runs: the job goes on and its report counts', async () => {
    server = await startServer(site);
    const id = await server.tes.create(marking('pulsar-running', 2));
    await server.tes.reached(id, 'RUNNING');
    await killPulsar(site);
    expect(await server.tes.ended(id)).toMatchObject({ state: 'COMPLETE' });
    expect(marksOf('pulsar-running')).toBe(1);
    await paysDebts();
  });

  it('before a task is sent: it waits for the next Pulsar', async () => {
    server = await startServer(site);
    await killPulsar(site);
    const id = await server.tes.create(marking('pulsar-gone'));
    expect(await server.tes.ended(id)).toMatchObject({ state: 'COMPLETE' });
    expect(marksOf('pulsar-gone')).toBe(1);
    await paysDebts();
  });
});

describe('kill -9 of the server and of Pulsar', () => {
  it.each([
    ['while a task runs', { call: 'write', when: 'after', state: 'RUNNING' }],
    ['just sent', { call: 'submit', when: 'after' }],
    ['claimed', { call: 'write', when: 'after', point: 'prepare' }],
  ] as const)('%s: the task ends once with its result', async (what, chaos) => {
    const name = `both-${what.replaceAll(/\W+/g, '-')}`;
    const doomed = await startServer(site, { chaos });
    await doomed.tes.create(marking(name, 1)).catch(() => undefined);
    expect(await doomed.ended).toBe('SIGKILL');
    await killPulsar(site);
    await endsOnce(name);
    await paysDebts();
  });
});
