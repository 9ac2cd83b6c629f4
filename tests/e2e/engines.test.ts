/** The same life of a task on the engines people have: docker and podman, behind the built server and a real Pulsar. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngines, type Engines } from '../support/engines.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';

const sizeOf = (path: string): number => {
  try {
    return readFileSync(path).length;
  } catch {
    return 0;
  }
};

describe.each(['podman', 'docker'] as const)('on %s', (engine) => {
  let engines: Engines;
  let site: Site;
  let server: Server;

  beforeAll(async () => {
    engines = await startEngines([engine]);
    const { environment } = engines;
    site = await createSite({ runtime: engine, environment });
    server = await startServer(site);
  });

  afterAll(async () => {
    await server.stop();
    await site.remove();
    await engines.stop();
  });

  it('has run a real sandbox before it is ready', async () => {
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(server.output()).toContain(`local runs tasks with ${engine}`);
  });

  it('takes a file in, runs two executors in the image, and brings a file out', async () => {
    writeFileSync(join(site.files, 'in'), 'hello\n');
    const task = await server.tes.ended(
      await server.tes.create({
        inputs: [{ url: join(site.files, 'in'), path: '/work/in' }],
        outputs: [{ url: join(site.files, 'out'), path: '/work/out' }],
        executors: [
          { image: 'busybox', command: ['sh', '-c', 'md5sum < /work/in > /work/mid'] },
          { image: 'busybox', command: ['cp', '/work/mid', '/work/out'] },
        ],
      }),
    );
    expect(task.state, JSON.stringify(task.logs)).toBe('COMPLETE');
    expect(readFileSync(join(site.files, 'out'), 'utf8')).toBe(
      'b1946ac92492d2347c6235b4d2611184  -\n',
    );
  });

  it.each([
    [['sh', '-c', 'exit 3'], 3],
    [['no-such-program'], 127],
    [['sh', '-c', 'kill -9 $$'], 137],
  ])('%j is an executor error with code %i', async (command, code) => {
    const task = await server.tes.ended(
      await server.tes.create({ executors: [{ image: 'busybox', command }] }),
    );
    expect(task.state).toBe('EXECUTOR_ERROR');
    expect(task.logs?.[0]?.logs.map(({ exit_code }) => exit_code)).toEqual([code]);
  });

  it('an image that cannot be had is a system error that names it', async () => {
    const task = await server.tes.ended(
      await server.tes.create({ executors: [{ image: 'localhost/absent:1', command: ['true'] }] }),
    );
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(task.logs?.[0]?.system_logs?.join()).toContain('localhost/absent:1');
  });

  it('a cancelled container is gone within 5 s, and only then the task is CANCELED', async () => {
    const beat = join(site.marks, 'beat');
    const id = await server.tes.create({
      executors: [
        {
          image: 'busybox',
          command: ['sh', '-c', 'while true; do echo x >> /marks/beat; sleep 0.2; done'],
        },
      ],
    });
    await until(() => sizeOf(beat) > 4, { timeoutMs: 30_000, what: 'the first beats' });
    const start = performance.now();
    await server.tes.cancel(id);
    let stoppedAt = start;
    let last = sizeOf(beat);
    await until(
      async () => {
        const now = sizeOf(beat);
        if (now !== last) stoppedAt = performance.now();
        last = now;
        return (await server.tes.get(id)).state === 'CANCELED';
      },
      { timeoutMs: 20_000, what: 'CANCELED' },
    );
    expect(stoppedAt - start).toBeLessThan(5_000);
    const atEnd = sizeOf(beat);
    await server.tes.ended(
      await server.tes.create({ executors: [{ image: 'busybox', command: ['sleep', '1'] }] }),
    );
    expect(sizeOf(beat)).toBe(atEnd);
  });

  it.each([
    ['ends in order on TERM', "trap 'echo saved; exit 7' TERM", [7, 'begun\nsaved\n']],
    ['ignores TERM', "trap '' TERM", [137, 'begun\n']],
  ])('a cancelled container that %s leaves its exit code and log', async (title, trap, end) => {
    const mark = title.replaceAll(' ', '-');
    const script = `${trap}; echo begun; touch /marks/${mark}; while :; do sleep 0.05; done`;
    const id = await server.tes.create({
      executors: [{ image: 'busybox', command: ['sh', '-c', script] }],
    });
    const isThere = () => existsSync(join(site.marks, mark));
    await until(isThere, { timeoutMs: 30_000, what: 'the command to run' });
    const start = performance.now();
    await server.tes.cancel(id);
    const task = await server.tes.ended(id, 20_000);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(task.state).toBe('CANCELED');
    const executors = task.logs?.[0]?.logs ?? [];
    expect(executors.map(({ exit_code, stdout }) => [exit_code, stdout])).toEqual([end]);
  });
});
