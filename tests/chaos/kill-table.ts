/** kill -9 of the server at a recorded point: after a restart the task ends exactly once, its container ran once, no debt stays unpaid. Runs on any store. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ChaosPoint } from '../support/server/chaos.ts';
import { startServer, type Server, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';

export const POINTS = {
  'acknowledged, waiting for a claim': { call: 'create', when: 'after' },
  claimed: { call: 'write', when: 'after', point: 'prepare' },
  'submit recorded, nothing sent': { call: 'write', when: 'after', point: 'submit' },
  'sent, not recorded': { call: 'submit', when: 'after' },
  'run recorded': { call: 'write', when: 'after', point: 'run', state: 'INITIALIZING' },
  'the gate passed': { call: 'inbox', when: 'after', fact: 'started' },
  running: { call: 'write', when: 'after', state: 'RUNNING' },
  'before the report is kept': { call: 'inbox', when: 'before', fact: 'report' },
  'report kept': { call: 'inbox', when: 'after', fact: 'report' },
  'before the final write': { call: 'write', when: 'before', state: 'COMPLETE' },
  'after the final write': { call: 'write', when: 'after', state: 'COMPLETE' },
} as const satisfies Readonly<Record<string, ChaosPoint>>;

export type PointName = keyof typeof POINTS;

/** A task that leaves a mark each time it runs. */
export const marking = (name: string, seconds = 0.3) => ({
  name,
  executors: [
    {
      image: 'any',
      command: ['sh', '-c', `echo ran >> /marks/${name}; sleep ${String(seconds)}; echo said`],
    },
  ],
});

const marksOf = (site: Site, name: string): number => {
  try {
    return readFileSync(join(site.marks, name), 'utf8').split('\n').filter(Boolean).length;
  } catch {
    return 0;
  }
};

/** Job folders that a Pulsar still has. */
export const jobsIn = (staging: string): readonly string[] =>
  readdirSync(staging).filter((name) => name.startsWith('tes-'));

export const jobsLeft = (site: Site): readonly string[] =>
  jobsIn(join(site.data, 'pulsar', 'staging'));

/** The id that a server stored, although its answer may have been lost with it. */
export const onlyId = async (live: Server, name: string): Promise<string> => {
  const answer = await fetch(`${live.url}/v1/tasks?name_prefix=${name}`);
  const { tasks } = (await answer.json()) as { readonly tasks: readonly { readonly id: string }[] };
  expect(tasks).toHaveLength(1);
  return tasks[0]?.id ?? '';
};

/**
 * The task of this name has one end, its result, one run, and nothing is left of it on Pulsar. `attempts`: how many it may
 * have taken; a further one shows in `logs` and is right only where the first cannot have run.
 */
export const expectOneEnd = async (
  site: Site,
  live: Server,
  name: string,
  attempts = 1,
): Promise<void> => {
  const task = await live.tes.ended(await onlyId(live, name), 90_000);
  expect(task.state, JSON.stringify(task)).toBe('COMPLETE');
  expect(task.logs?.length).toBeLessThanOrEqual(attempts);
  const executors = task.logs?.flatMap(({ logs }) => logs) ?? [];
  expect(executors.map(({ exit_code, stdout }) => [exit_code, stdout])).toEqual([[0, 'said\n']]);
  expect(marksOf(site, name)).toBe(1);
  await until(() => jobsLeft(site).length === 0, {
    timeoutMs: 60_000,
    everyMs: 100,
    what: 'all debts to be paid',
  });
};

export interface KillOptions {
  readonly site: () => Site;
  readonly points: readonly PointName[];
  /** Done between the death of the server and the next start. */
  readonly meanwhile?: (site: Site) => Promise<void>;
  readonly title?: string;
  /** See expectOneEnd. */
  readonly attempts?: number;
}

export const killTable = (options: KillOptions): void => {
  const { site: siteOf, points, meanwhile, title = '', attempts } = options;
  it.each(points)(`${title}%s: the task ends once with its result`, async (point) => {
    const site = siteOf();
    const name = `${title}${point}`.replaceAll(/\W+/g, '-');
    const doomed = await startServer(site, { chaos: POINTS[point] });
    await doomed.tes.create(marking(name)).catch(() => undefined);
    expect(await doomed.ended).toBe('SIGKILL');
    await meanwhile?.(site);
    const live = await startServer(site);
    try {
      await expectOneEnd(site, live, name, attempts);
    } finally {
      await live.stop();
    }
  });
};
