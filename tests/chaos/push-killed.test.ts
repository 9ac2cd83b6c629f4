/** kill -9 of the server while it moves the data of a job that can reach nobody. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { farDestination, startFarPulsar, type FarPulsar } from '../support/pulsar/far-pulsar.ts';
import type { ChaosPoint } from '../support/server/chaos.ts';
import { createSite, startServer, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';
import { jobsIn, onlyId } from './kill-table.ts';

let pulsar: FarPulsar;
let site: Site;

beforeAll(async () => {
  pulsar = await startFarPulsar();
  site = await createSite({ program: 'deadly', transport: farDestination(pulsar) });
});

afterAll(async () => {
  await site.remove();
  await pulsar.remove();
});

const FILES = ['0', '1', '2'];
const POINTS: readonly (readonly [string, ChaosPoint])[] = [
  ['before the first input', { call: 'upload', when: 'before', file: 'push/0/0' }],
  ['between two inputs', { call: 'upload', when: 'after', file: 'push/0/1' }],
  ['with all inputs there', { call: 'upload', when: 'after', file: 'push/0.jsonl' }],
  ['before the first output', { call: 'collect', when: 'before', file: 'push/0' }],
  ['between two outputs', { call: 'collect', when: 'after', file: 'push/1' }],
  ['with all outputs stored', { call: 'write', when: 'before', state: 'COMPLETE' }],
];

it.each(POINTS)('%s: the task ends once with whole outputs', async (name, chaos) => {
  const label = name.replaceAll(' ', '-');
  const [from, to] = [join(site.files, `in-${label}`), join(site.files, `out-${label}`)];
  const bytes = (file: string): Buffer => Buffer.alloc(1_000_000, `${file}-`);
  mkdirSync(from);
  for (const file of FILES) writeFileSync(join(from, file), bytes(file));
  const doomed = await startServer(site, { chaos });
  await doomed.tes.create({
    name: label,
    inputs: [{ url: `file://${from}`, path: '/in', type: 'DIRECTORY' }],
    outputs: [{ url: `file://${to}`, path: '/out', type: 'DIRECTORY' }],
    executors: [
      { image: 'any', command: ['sh', '-c', `echo ran >> /marks/${label}; cp /in/* /out/`] },
    ],
  });
  expect(await doomed.ended).toBe('SIGKILL');
  const live = await startServer(site);
  try {
    const task = await live.tes.ended(await onlyId(live, label), 90_000);
    expect(task.state, JSON.stringify(task)).toBe('COMPLETE');
    expect(task.logs?.at(-1)?.outputs).toHaveLength(FILES.length);
    for (const file of FILES) {
      expect(readFileSync(join(to, file)).equals(bytes(file))).toBe(true);
    }
    expect(readdirSync(site.marks)).toContain(label);
    const staging = join(pulsar.directory, 'staging');
    await until(() => jobsIn(staging).length === 0, { timeoutMs: 60_000, what: 'paid debts' });
  } finally {
    await live.stop();
  }
});
