/** The two walk-throughs of TESP API's documentation with the commands they give, and the first of them over S3 and HTTP as well. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, startStage, type Stage } from '../../support/server/on-engine.ts';
import { SHELVES, startStorageLab, type StorageLab } from '../../support/storage/lab.ts';
import { startUploadServer, type UploadServer } from '../../support/storage/upload-server.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);

let lab: StorageLab;
let web: UploadServer;

beforeAll(async () => {
  [lab, web] = await Promise.all([startStorageLab(), startUploadServer()]);
});

afterAll(async () => {
  await lab.stop();
  await web.stop();
});

const HOLY_TEXT = 'Hello World!';
const MIB = 1024 * 1024;

describe.each(KINDS)('on %s', (kind) => {
  let stage: Stage;
  let folder: string;

  beforeAll(async () => {
    stage = await startStage(kind, lab.config);
    folder = mkdtempSync(join(tmpdir(), 'walk-'));
  });

  afterAll(async () => {
    await stage.stop();
    rmSync(folder, { recursive: true });
  });

  const curl = async (...args: readonly string[]): Promise<string> =>
    (await run('curl', ['--fail-with-body', '--silent', '--show-error', ...args])).stdout;

  const see = async (id: string, view: string): Promise<unknown> =>
    JSON.parse(await curl(`${stage.server.url}/v1/tasks/${id}${view}`));

  /** As the text says: asks for the minimal view until the task is complete, or in an error state. */
  const complete = async (answer: string): Promise<string> => {
    const { id } = JSON.parse(answer) as { readonly id: string };
    const state = await until(
      async () => {
        const task = (await see(id, '')) as { readonly id: string; readonly state: string };
        expect(Object.keys(task).sort()).toEqual(['id', 'state']);
        return !/QUEUED|INITIALIZING|RUNNING/.test(task.state) && task.state;
      },
      { timeoutMs: 90_000, everyMs: 200, what: `the end of ${id}` },
    );
    expect(state, JSON.stringify(await see(id, '?view=FULL'))).toBe('COMPLETE');
    return id;
  };

  it.each(SHELVES)('S1.44, S1.63: md5sum of a file on %s into outfile-1 there', async (name) => {
    const shelf = lab.shelves[name];
    const [input, output] = [`${kind}/holy_file`, `${kind}/outfile-1`];
    const holy = join(folder, 'holy_file');
    writeFileSync(holy, HOLY_TEXT);
    await curl(...shelf.curl(input), '--ftp-create-dirs', '--upload-file', holy);
    const task = {
      inputs: [{ url: shelf.url(input), path: '/data/file1', type: 'FILE' }],
      outputs: [{ path: '/data/outfile', url: shelf.url(output), type: 'FILE' }],
      executors: [
        { image: 'alpine', command: ['md5sum'], stdin: '/data/file1', stdout: '/data/outfile' },
      ],
    };
    const tasks = `${stage.server.url}/v1/tasks`;
    const json = ['--header', 'Content-Type: application/json', '--data', JSON.stringify(task)];
    const id = await complete(await curl(tasks, ...json));
    expect(await curl(...shelf.curl(output))).toBe('ed076287532e86365e841e92bfc50d8c  -\n');
    expect(await see(id, '?view=FULL')).toMatchObject({
      logs: [
        { outputs: [{ url: shelf.url(output), path: '/data/outfile', size_bytes: '36' }] },
      ],
    });
  });

  it('S1.40, S1.63: sha1sum of the kernel, sent by the shell line of the text', async () => {
    const kernel = randomBytes(8 * MIB);
    await web.shown.put(['pub', 'linux', 'kernel', 'v6.x', 'linux-6.5.5.tar.xz'], kernel);
    const example = {
      inputs: [
        {
          url: `${web.url}/pub/linux/kernel/v6.x/linux-6.5.5.tar.xz`,
          path: '/data/kernel.tar.gz',
          type: 'FILE',
        },
      ],
      executors: [
        {
          image: 'ubuntu:20.04',
          command: ['/bin/sha1sum', './kernel.tar.gz'],
          workdir: '/data/',
          stdout: '/tmp/stdout.log',
          stderr: '/tmp/stderr.log',
        },
      ],
    };
    writeFileSync(join(folder, 'example.json'), JSON.stringify(example, undefined, 2));
    const line = `curl ${stage.server.url}/v1/tasks -X POST -H "Content-Type: application/json" -d $(sed -e "s/ //g" example.json | tr -d '\\n')`;
    const id = await complete((await run('sh', ['-c', line], { cwd: folder })).stdout);
    expect(await curl(`${stage.server.url}/v1/tasks`)).toContain(id);
    const sum = createHash('sha1').update(kernel).digest('hex');
    expect(await see(id, '?view=FULL')).toMatchObject({
      logs: [{ logs: [{ exit_code: 0, stdout: `${sum}  ./kernel.tar.gz\n` }] }],
    });
  });
});
