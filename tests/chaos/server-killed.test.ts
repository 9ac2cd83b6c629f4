/** On SQLite: kill -9 of the server at every recorded point, of the embedded Pulsar, and of both. */
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createSite,
  killPulsar,
  startServer,
  type Server,
  type Site,
} from '../support/server/server.ts';
import { until } from '../support/until.ts';
import {
  expectOneEnd,
  jobsLeft,
  killTable,
  marking,
  POINTS,
  type PointName,
} from './kill-table.ts';

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

describe('kill -9 of the server', () => {
  killTable({ site: () => site, points: Object.keys(POINTS) as PointName[] });

  it('leaves no debt behind in the database', () => {
    const database = new Database(join(site.data, 'magnetar.db'), { readonly: true });
    expect(database.prepare('SELECT * FROM debts').all()).toEqual([]);
    database.close();
  });
});

describe('kill -9 of the server before a long log is kept', () => {
  it('the next server keeps it before the job goes', async () => {
    const doomed = await startServer(site, { chaos: POINTS['after the final write'] });
    const command = ['sh', '-c', 'seq 1 60000'];
    const id = await doomed.tes.create({ executors: [{ image: 'any', command }] });
    expect(await doomed.ended).toBe('SIGKILL');
    server = await startServer(site);
    const { url } = server;
    await until(() => jobsLeft(site).length === 0, {
      timeoutMs: 60_000,
      what: 'all debts to be paid',
    });
    const answer = await fetch(`${url}/ext/v1/tasks/${id}/logs/1/0/stdout`);
    const lines = (await answer.text()).split('\n');
    expect([lines[0], lines.at(-2), lines.length]).toEqual(['1', '60000', 60_001]);
  });
});

describe('kill -9 of the server while it checks its destination', () => {
  it.each(['before', 'after'] as const)(
    '%s the check job is sent: it does not stay',
    async (when) => {
      const doomed = await startServer(site, { chaos: { call: 'check', when } });
      expect(await doomed.ended).toBe('SIGKILL');
      server = await startServer(site);
      expect(jobsLeft(site)).toEqual([]);
    },
  );
});

describe('kill -9 of the embedded Pulsar', () => {
  it('while a task runs: the job goes on and its report counts', async () => {
    server = await startServer(site);
    const id = await server.tes.create(marking('pulsar-running', 2));
    await server.tes.reached(id, 'RUNNING');
    await killPulsar(site);
    await expectOneEnd(site, server, 'pulsar-running');
  });

  it('before a task is sent: it waits for the next Pulsar', async () => {
    server = await startServer(site);
    await killPulsar(site);
    await server.tes.create(marking('pulsar-gone'));
    await expectOneEnd(site, server, 'pulsar-gone');
  });
});

describe('kill -9 of the server and of Pulsar', () => {
  killTable({
    site: () => site,
    title: 'both, ',
    points: ['running', 'sent, not recorded', 'claimed'],
    meanwhile: killPulsar,
    attempts: 2, // a Pulsar killed while it launches a job takes the job with it
  });
});

describe('a server that comes back on another port', () => {
  it('finds the report although no beacon can reach it', async () => {
    const first = await startServer(site);
    const id = await first.tes.create(marking('moved', 3));
    await first.tes.reached(id, 'RUNNING');
    await first.kill();
    server = await startServer(site, { port: 0 });
    await expectOneEnd(site, server, 'moved');
  });
});
