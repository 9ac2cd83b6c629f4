/** kill -9 of the server in the middle of a cancel: the next one brings it to its end, CANCELED, with nothing running. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesOf } from '../support/pulsar/process.ts';
import type { ChaosPoint } from '../support/server/chaos.ts';
import { createSite, killPulsar, startServer, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';
import { jobsLeft, onlyId } from './kill-table.ts';

const POINTS = {
  'before the wish is recorded': { call: 'wish', when: 'before' },
  'wish recorded': { call: 'wish', when: 'after' },
  'before the runner is asked': { call: 'askToStop', when: 'before' },
  'runner asked': { call: 'askToStop', when: 'after' },
  'report of the stopped job kept': { call: 'inbox', when: 'after', fact: 'report' },
  'before the final write': { call: 'write', when: 'before', state: 'CANCELED' },
  'after the final write': { call: 'write', when: 'after', state: 'CANCELED' },
} as const satisfies Readonly<Record<string, ChaosPoint>>;

type PointName = keyof typeof POINTS;

let site: Site;

beforeAll(async () => {
  site = await createSite({ program: 'deadly' });
});

afterAll(async () => {
  await site.remove();
});

type Meanwhile = (site: Site) => Promise<void>;

const nothing: Meanwhile = () => Promise.resolve();

const CASES: readonly (readonly [title: string, point: PointName, meanwhile: Meanwhile])[] = [
  ...(Object.keys(POINTS) as PointName[]).map((point) => [point, point, nothing] as const),
  ['wish recorded, Pulsar killed too', 'wish recorded', killPulsar],
  ['runner asked, Pulsar killed too', 'runner asked', killPulsar],
];

it.each(CASES)('%s: CANCELED with its log, and nothing runs', async (title, point, meanwhile) => {
  const name = title.replaceAll(/\W+/g, '-');
  const doomed = await startServer(site, { chaos: POINTS[point] });
  const script = `trap 'echo saved; exit 7' TERM; echo begun; touch /marks/${name}; while :; do sleep 0.05; done`;
  const id = await doomed.tes.create({
    name,
    executors: [{ image: 'any', command: ['sh', '-c', script] }],
  });
  await until(() => existsSync(join(site.marks, name)), { what: 'the command to run' });
  await doomed.tes.cancel(id).catch(() => undefined);
  expect(await doomed.ended).toBe('SIGKILL');
  await meanwhile(site);
  const live = await startServer(site);
  try {
    expect(await onlyId(live, name)).toBe(id);
    await live.tes.cancel(id); // what a client does that got no answer
    const task = await live.tes.ended(id, 90_000);
    expect(task.state).toBe('CANCELED');
    expect(processesOf(`/marks/${name};`)).toEqual([]);
    expect(task.logs).toHaveLength(1);
    const executors = task.logs?.[0]?.logs ?? [];
    expect(executors.map(({ exit_code, stdout }) => [exit_code, stdout])).toEqual([
      [7, 'begun\nsaved\n'],
    ]);
    await until(() => jobsLeft(site).length === 0, {
      timeoutMs: 60_000,
      everyMs: 100,
      what: 'all debts to be paid',
    });
  } finally {
    await live.stop();
  }
});
