/** Nextflow's requests, replayed as nf-ga4gh writes them: work folders are bare host paths that only the server touches. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { createNextflow, type Nextflow, type Process } from './support/nextflow.ts';

let site: Site;
let server: Server;
let nextflow: Nextflow;

beforeAll(async () => {
  site = await createSite();
  server = await startServer(site);
  nextflow = createNextflow(server.url, path.join(site.files, 'work'));
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

const run = async (process: Process) => nextflow.ended(await nextflow.submit(process));

/** A file outside of the work folders, as `path()` inputs are. */
const data = (name: string, text: string): string => {
  const file = path.join(site.files, 'data', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

it('C5, C8, C23, C26: a process with files in and out, and its streams in the work folder', async () => {
  const ended = await run({
    name: 'upper (1)',
    tags: { sample: 'a' },
    script: `echo said; echo warned >&2; tr a-z A-Z < 'a 1%.txt' > upper.txt; cat dir/sub/f > both.txt`,
    inputs: [
      { url: data('a 1%.txt', 'hello\n'), path: '/work/a 1%.txt', type: 'FILE' },
      {
        url: path.dirname(path.dirname(data('dir/sub/f', 'deep\n'))),
        path: '/work/dir',
        type: 'DIRECTORY',
      },
    ],
    outputs: (work) => [
      { url: `${work}/upper.txt`, path: '/work/upper.txt', type: 'FILE' },
      { url: `${work}/both.txt`, path: '/work/both.txt', type: 'FILE' },
    ],
  });
  expect(ended.exitCode, JSON.stringify(ended.task.logs)).toBe(0);
  expect(ended.read('upper.txt')).toBe('HELLO\n');
  expect(ended.read('both.txt')).toBe('deep\n');
  expect(ended.read('.command.out')).toBe('said\n');
  expect(ended.read('.command.err')).toBe('warned\n');
  expect(ended.read('.command.log')).toMatch(/said[^]*warned|warned[^]*said/);
  expect(ended.read('.exitcode')).toBe('0');
  expect(ended.task.executors[0]?.command.at(-1)).toContain('2>&1 | tee');
});

it('C27, C35: a process that fails has its code and streams, and missing outputs change nothing', async () => {
  const ended = await run({
    name: 'fails',
    script: 'echo before; echo why >&2; exit 3',
    outputs: (work) => [{ url: `${work}/never.txt`, path: '/work/never.txt', type: 'FILE' }],
  });
  expect(ended.state, JSON.stringify(ended.task.logs)).toBe('EXECUTOR_ERROR');
  expect(ended.exitCode).toBe(3);
  expect(ended.read('.exitcode')).toBe('3');
  expect(ended.read('.command.out')).toBe('before\n');
  expect(ended.read('.command.err')).toBe('why\n');
});

it('C27: an optional output that was not made leaves the task complete', async () => {
  const ended = await run({
    name: 'optional',
    script: 'true',
    outputs: (work) => [{ url: `${work}/maybe.txt`, path: '/work/maybe.txt', type: 'FILE' }],
  });
  expect(ended.state, JSON.stringify(ended.task.logs)).toBe('COMPLETE');
});

it('C26: what a glob matches lands in the work folder, also below folders; a folder lands whole', async () => {
  const ended = await run({
    name: 'globs',
    script: `mkdir -p sub tree/leaf; touch piece-1.txt piece-2.txt piece.txt sub/x.csv; echo 1 > tree/leaf/f`,
    outputs: (work) => [
      { url: work, path: '/work/piece-*.txt', path_prefix: '/work', type: 'FILE' },
      { url: work, path: '/work/sub/?.csv', path_prefix: '/work', type: 'FILE' },
      { url: `${work}/tree`, path: '/work/tree', type: 'DIRECTORY' },
    ],
  });
  expect(ended.state, JSON.stringify(ended.task.logs)).toBe('COMPLETE');
  expect(['piece-1.txt', 'piece-2.txt', 'sub/x.csv'].map((name) => ended.read(name))).toEqual([
    '',
    '',
    '',
  ]);
  expect(ended.read('tree/leaf/f')).toBe('1\n');
  expect(() => ended.read('piece.txt')).toThrow('ENOENT');
});

it('C26: scripts of bin/ come under their host path, not executable', async () => {
  const tool = data('tmp/xx/yy/bin/tool.sh', '#!/bin/bash\necho from a tool\n');
  chmodSync(tool, 0o644);
  const ended = await run({ name: 'bin', script: 'tool.sh', bin: [tool] });
  expect(ended.exitCode, JSON.stringify(ended.task.logs)).toBe(0);
  expect(ended.read('.command.out')).toBe('from a tool\n');
});

it('C4, C13, C38: a kill is a POST without a body, and the task is seen running before', async () => {
  const id = await nextflow.submit({ name: 'long', script: 'sleep 600' });
  await nextflow.reached(id, 'RUNNING');
  expect(await nextflow.kill(id)).toBe(200);
  expect((await nextflow.ended(id)).state).toBe('CANCELED');
  expect(await nextflow.kill(id)).toBe(200);
});

it('C1, C15, C16: an endpoint with a path, and an API key in the query that nobody asks for', async () => {
  const work = path.join(site.files, 'other');
  const other = createNextflow(`${server.url}/ga4gh/tes`, work, { query: 'api_key=s3cret' });
  const ended = await other.ended(await other.submit({ name: 'key', script: 'echo done' }));
  expect(ended.read('.command.out')).toBe('done\n');
  expect(server.output()).not.toContain('s3cret');
});

it('C32: several at once, as a queue of five does, each with files of its own', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const ids = await Promise.all(
    names.map((name) =>
      nextflow.submit({
        name: `fan (${name})`,
        script: `echo ${name} > name.txt`,
        outputs: (work) => [{ url: `${work}/name.txt`, path: '/work/name.txt', type: 'FILE' }],
      }),
    ),
  );
  const ended = await Promise.all(ids.map((id) => nextflow.ended(id)));
  expect(ended.map((one) => one.read('name.txt').trim())).toEqual(names);
});
