/** Logs and lists too long for a task: the whole of them, while the task runs, after its job is gone, and after a restart. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/built-commands.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';

const LOG_BYTES = 400_000;

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await createSite({ config: `[limits]\nlog_bytes = ${String(LOG_BYTES)}` });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });

const log = (id: string, rest: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/ext/v1/tasks/${id}/logs/${rest}`, { headers });

const text = async (id: string, rest: string): Promise<string> => {
  const answer = await log(id, rest);
  expect(answer.status).toBe(200);
  return answer.text();
};

const cleaned = (): Promise<unknown> => {
  const staging = join(site.data, 'pulsar', 'staging');
  const jobs = () => readdirSync(staging).filter((name) => name.startsWith('tes-'));
  return until(() => jobs().length === 0, { timeoutMs: 30_000, what: 'all debts to be paid' });
};

const numbers = (last: number): string =>
  Array.from({ length: last }, (_, n) => `${String(n + 1)}\n`).join('');

describe('a log longer than its tail on the task', () => {
  it('can be read whole at once, when the job is gone, and from the next server', async () => {
    const id = await server.tes.create({ executors: [sh('echo few'), sh('seq 1 60000 >&2')] });
    const task = await server.tes.ended(id);
    expect(task.logs?.[0]?.logs[1]?.stderr).toMatch(/^\[the last \d+ of 348894 bytes\]\n/);
    expect(await text(id, '1/1/stderr')).toBe(numbers(60_000));
    await cleaned();
    await server.stop();
    server = await startServer(site);
    expect(await text(id, '1/1/stderr')).toBe(numbers(60_000));
    expect(await text(id, '1/0/stdout')).toBe('few\n');
    const shown = await runCommand('tes', ['logs', id, '--full', '--url', server.url]);
    expect(shown.stdout, shown.said).toContain(`--- stdout\nfew\n`);
    expect(shown.stdout).toContain(`--- stderr\n${numbers(60_000)}`);
    expect(shown.code).toBe(0);
    const end = await log(id, '1/1/stderr', { range: 'bytes=-6' });
    expect([end.status, await end.text()]).toEqual([206, '60000\n']);
    const file = join(site.data, 'logs', id, '1', '1.stderr');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(join(site.data, 'logs', id, '1', '0.stdout'))).toBe(false);
  });

  it('says where it was cut when it is longer than what is kept at all', async () => {
    const id = await server.tes.create({ executors: [sh('seq 1 100000')] });
    await server.tes.ended(id);
    await cleaned();
    const kept = await text(id, '1/0/stdout');
    const mark = `\n[the first ${String(LOG_BYTES)} of 588895 bytes]\n`;
    expect(kept).toBe(numbers(100_000).slice(0, LOG_BYTES) + mark);
  });
});

describe('the log of a task that runs', () => {
  it('is what its executor has written by now', async () => {
    const script =
      'echo one; touch /marks/one; until [ -e /marks/go ]; do sleep 0.05; done; echo two';
    const id = await server.tes.create({ executors: [sh(script)] });
    await until(() => existsSync(join(site.marks, 'one')), { what: 'the first line' });
    await until(async () => (await (await log(id, '1/0/stdout')).text()) === 'one\n', {
      what: 'the first line in the log',
    });
    const marking = await server.tes.create({ executors: [sh('touch /marks/go')] });
    await server.tes.ended(marking);
    expect((await server.tes.ended(id)).state).toBe('COMPLETE');
    expect(await text(id, '1/0/stdout')).toBe('one\ntwo\n');
  });
});

describe('a list of outputs longer than the report', () => {
  it('is on the task, each file with its size', async () => {
    const folder = join(site.files, 'many');
    const name = 'n'.repeat(150);
    const script = `cd /out; for n in $(seq 1 4000); do echo $n > ${name}$n; done`;
    const id = await server.tes.create({
      outputs: [{ url: folder, path: '/out', type: 'DIRECTORY' }],
      executors: [sh(script)],
    });
    const task = await server.tes.ended(id);
    expect(task.state).toBe('COMPLETE');
    const outputs = task.logs?.[0]?.outputs ?? [];
    expect(outputs).toHaveLength(4000);
    const sizes = new Map(outputs.map(({ path, size_bytes }) => [path, size_bytes]));
    for (const file of readdirSync(folder)) {
      const size = String(readFileSync(join(folder, file)).length);
      expect(sizes.get(`/out/${file}`)).toBe(size);
    }
    expect(task.logs?.[0]?.system_logs?.join('\n') ?? '').not.toContain('are listed');
  });
});
