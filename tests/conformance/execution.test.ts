/** T84, T92, T95 and the requirements C25-C39 of clients that no other test names, by the built server in real sandboxes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';
import type { WireTask } from '../support/server/tes-client.ts';

const WALLTIME_S = 8;
/** Of the destination that `createSite` configures. */
const SLOTS = 4;

let site: Site;
let server: Server;
let web: HttpServer;

beforeAll(async () => {
  web = createServer((request, response) => response.end(request.url));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  site = await createSite({
    config: `[limits]\nwalltime_s = ${String(WALLTIME_S)}\n[storage.http]\nallow = ["127.0.0.1"]`,
  });
  server = await startServer(site);
});

afterAll(async () => {
  web.close();
  await server.stop();
  await site.remove();
});

const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });

const run = async (task: object): Promise<WireTask> =>
  server.tes.ended(await server.tes.create(task));

const file = (name: string): string => join(site.files, name);
const stdoutOf = (task: WireTask): string | undefined => task.logs?.[0]?.logs[0]?.stdout;
const whyOf = (task: WireTask): string => (task.logs?.[0]?.system_logs ?? []).join('\n');

describe('T92', () => {
  it('T92, C40: an input that is not there is SYSTEM_ERROR with the reason', async () => {
    const task = await run({
      inputs: [{ url: `file://${file('absent')}`, path: '/work/in' }],
      executors: [sh('true')],
    });
    expect(task.state).toBe('SYSTEM_ERROR');
    expect(whyOf(task)).toContain(file('absent'));
    expect(task.logs?.[0]?.logs).toEqual([]);
  });

  it('T92, C27: a failing command is EXECUTOR_ERROR even if an output is missing', async () => {
    const task = await run({
      outputs: [{ url: `file://${file('none')}`, path: '/work/none' }],
      executors: [sh('exit 3')],
    });
    expect(task.state).toBe('EXECUTOR_ERROR');
    expect(task.logs?.[0]?.logs.map(({ exit_code }) => exit_code)).toEqual([3]);
  });
});

describe('files', () => {
  it('C25: a folder may be called FILE or nothing, as input and as output', async () => {
    mkdirSync(file('tree/deep'), { recursive: true });
    writeFileSync(file('tree/deep/a'), 'a');
    const task = await run({
      inputs: [
        { url: file('tree'), path: '/work/one', type: 'FILE' },
        { url: `file://${file('tree')}`, path: '/work/two' },
      ],
      outputs: [{ url: `file://${file('copy')}`, path: '/work/out', type: 'FILE' }],
      executors: [
        sh('mkdir /work/out && cp -r /work/one /work/out/ && cp -r /work/two /work/out/'),
      ],
    });
    expect(task.state, JSON.stringify(task.logs)).toBe('COMPLETE');
    for (const name of ['one', 'two']) {
      expect(readFileSync(file(`copy/${name}/deep/a`), 'utf8')).toBe('a');
    }
  });

  it('C30: an http input keeps its query', async () => {
    const { port } = web.address() as AddressInfo;
    const task = await run({
      inputs: [{ url: `http://127.0.0.1:${String(port)}/a%20b?x=1&y=%2F`, path: '/work/in' }],
      executors: [sh('cat /work/in')],
    });
    expect(stdoutOf(task), whyOf(task)).toBe('/a%20b?x=1&y=%2F');
  });

  it('C33: workdir, parents of outputs and volumes are made, also new folders at the top', async () => {
    const task = await run({
      volumes: ['/pulsar_staging/'],
      outputs: [{ url: `file://${file('c33')}`, path: '/aBcDeF/new/out' }],
      executors: [
        {
          ...sh('touch here /pulsar_staging/x && pwd > new/out && echo done'),
          workdir: '/aBcDeF',
          stdout: '/logs/deep/stdout',
        },
        { ...sh('cat /logs/deep/stdout'), workdir: '/' },
      ],
    });
    expect(task.state, whyOf(task)).toBe('COMPLETE');
    expect(readFileSync(file('c33'), 'utf8')).toBe('/aBcDeF\n');
    expect(task.logs?.[0]?.logs[1]?.stdout).toBe('done\n');
  });
});

describe('running', () => {
  it('T84: what a cancelled task has written is not sent', async () => {
    const id = await server.tes.create({
      outputs: [{ url: `file://${file('t84')}`, path: '/work/out' }],
      executors: [sh('echo half > /work/out; touch /marks/t84; sleep 60')],
    });
    await until(() => existsSync(join(site.marks, 't84')), { what: 'the executor' });
    await server.tes.cancel(id);
    const task = await server.tes.ended(id);
    expect(task.state).toBe('CANCELED');
    expect(task.logs?.[0]?.outputs).toEqual([]);
    expect(existsSync(file('t84'))).toBe(false);
  });

  it('C36, C37: any image name is accepted without containers, and bash and python are there', async () => {
    const task = await run({
      executors: [
        {
          image: 'quay.io/biocontainers/none:1.0--0',
          command: ['bash', '-c', 'echo $BASH_VERSION'],
        },
        { image: 'python:2.7', command: ['python3', '-c', 'print("python")'] },
      ],
    });
    expect(task.state, whyOf(task)).toBe('COMPLETE');
    expect(task.logs?.[0]?.logs[1]?.stdout).toBe('python\n');
  });

  it('T95, C39: tasks over their time are stopped with a reason, and their slots are free again', async () => {
    const mark = (n: number): string => join(site.marks, `late-${String(n)}`);
    const late = Array.from({ length: SLOTS }, (_, n) =>
      run({ executors: [sh(`sleep 60; touch /marks/late-${String(n)}`)] }),
    );
    const tasks = await Promise.all(late);
    for (const [n, task] of tasks.entries()) {
      expect(task.state).toBe('SYSTEM_ERROR');
      expect(whyOf(task)).toContain(`longer than ${String(WALLTIME_S)} s`);
      expect(existsSync(mark(n))).toBe(false);
    }
    expect((await run({ executors: [sh('true')] })).state).toBe('COMPLETE');
  });
});
