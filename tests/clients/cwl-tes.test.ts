/** cwl-tes 0.3.0, which deletes /tmp when it has a container: here its /tmp is its own. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Result } from './support/client.ts';
import { createWorld, type World } from './support/world.ts';

const FILES = fileURLToPath(new URL('./cwl-tes', import.meta.url));

let world: World;

beforeAll(async () => {
  world = await createWorld({ client: 'cwl-tes' });
  cpSync(FILES, world.files, { recursive: true });
  mkdirSync(path.join(world.files, '50% text'));
  writeFileSync(path.join(world.files, '50% text/in.txt'), 'one two three\n');
});

afterAll(() => world.remove());

const inFiles = (name: string): string => path.join(world.files, name);

/** Runs the tool so that it ends with this code. */
const count = (
  code: number,
  { tool = 'words.cwl', options = [] as readonly string[] } = {},
): Promise<Result> => {
  const job = { code, text: { class: 'File', location: '50%25%20text/in.txt' } };
  writeFileSync(inFiles('job.json'), JSON.stringify(job));
  return world.run([
    ...['python', 'launch.py', '--tes', world.server.url, '--outdir', `${tool}-${String(code)}`],
    ...['--tmpdir-prefix', inFiles('tmp/'), '--tmp-outdir-prefix', inFiles('out/')],
    ...[...options, tool, 'job.json'],
  ]);
};

it('C23, C26, C33: a tool reads its standard input and leaves two files that its outputs name twice', async () => {
  const { code, output } = await count(0);
  expect(code, output).toBe(0);
  expect(output).toContain('Final process status is success');
  expect(readFileSync(inFiles('words.cwl-0/count.txt'), 'utf8')).toBe('3\n');
  expect(readFileSync(inFiles('words.cwl-0/made.txt'), 'utf8')).toBe('made\n');
});

it('C27: an exit code that the tool calls a success has its outputs', async () => {
  const { code, output } = await count(7);
  expect(code, output).toBe(0);
  expect(readFileSync(inFiles('words.cwl-7/count.txt'), 'utf8')).toBe('3\n');
  expect((await world.tasks()).at(-1)?.state).toBe('EXECUTOR_ERROR');
});

it('C35: any other exit code is a failure', async () => {
  const { code, output } = await count(3);
  expect(code, output).toBe(1);
  expect(output).toContain('Final process status is permanentFail');
  expect((await world.tasks()).at(-1)?.logs?.[0]?.logs[0]?.exit_code).toBe(3);
});

it('C33, C36: a tool with an image works in a new folder of the root', async () => {
  const requirement = 'hints: { DockerRequirement: { dockerPull: "debian:12" } }\n';
  writeFileSync(inFiles('image.cwl'), readFileSync(inFiles('words.cwl'), 'utf8') + requirement);
  const { code, output } = await count(0, { tool: 'image.cwl' });
  expect(code, output).toBe(0);
  const executor = (await world.tasks()).at(-1)?.executors[0];
  expect(executor?.image).toBe('debian:12');
  expect(executor?.workdir).toMatch(/^\/\w{6}$/);
  expect(readFileSync(inFiles('image.cwl-0/count.txt'), 'utf8')).toBe('3\n');
});

it('C24: with a default container it asks for outputs in the root folder, which is refused', async () => {
  const before = (await world.tasks()).length;
  const { code, output } = await count(0, { options: ['--default-container', 'debian:12'] });
  expect(code, output).toBe(1);
  expect(output).toMatch(/outputs=\[Output\(url='file:\/\/\/\w{6}\//);
  expect(output).toContain('403 Client Error');
  expect((await world.tasks()).length).toBe(before);
  const [, folder = 'none'] = /workdir='(\/\w{6})'/.exec(output) ?? [];
  expect(existsSync(folder)).toBe(false);
});
