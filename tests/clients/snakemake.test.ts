/** Snakemake with its TES executor plugin, which keeps all data in a storage that the tasks reach too: here a shared folder. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireTask } from '../support/server/tes-client.ts';
import type { Result } from './support/client.ts';
import {
  packagesFromWheels,
  SNAKEMAKE_LIMIT_MS,
  snakemake as snakemakeOf,
} from './support/snakemake.ts';
import { example, layWords } from './support/words.ts';
import { createWorld, type World } from './support/world.ts';

const FILES = fileURLToPath(new URL('./snakemake', import.meta.url));

let world: World;
let writeWord: (word: string, text: string) => void;

beforeAll(async () => {
  world = await createWorld({
    client: 'snakemake',
    taskEnvironment: packagesFromWheels,
  });
  cpSync(example('snakemake'), world.files, { recursive: true });
  cpSync(FILES, world.files, { recursive: true });
  writeWord = layWords(path.join(world.shared, 'words'));
  // Version 0.1.3 of the plugin opens this file whenever a task fails.
  writeFileSync(path.join(world.files, 'funnel.log'), '');
});

afterAll(() => world.remove());

const snakemake = (more: readonly string[], before: readonly string[] = []): Promise<Result> =>
  world.run([...before, ...snakemakeOf(world), ...more], {
    environment: { GITHUB_WORKSPACE: world.files },
    limitMs: SNAKEMAKE_LIMIT_MS,
  });

const stateOf = ({ state }: WireTask): string => state ?? '';
const shared = (name: string): string => path.join(world.shared, name);

it('C13, C29, C32, C35: a failing step ends the run with its name, and what succeeded is kept', async () => {
  writeWord('green', '');
  const { code, output } = await snakemake(['--keep-going']);
  expect(code, output).toBe(1);
  expect(output).toMatch(/Error in rule count:/);
  expect(output).toContain('words/green.txt');
  expect(existsSync(shared('counts/green.txt'))).toBe(false);
  expect(readFileSync(shared('counts/red.txt'), 'utf8')).toBe('3\n');
  expect(readFileSync(shared('counts/blue.txt'), 'utf8')).toBe('4\n');
  const tasks = await world.tasks();
  expect(tasks.map(stateOf).toSorted(), output).toEqual(['COMPLETE', 'COMPLETE', 'EXECUTOR_ERROR']);
  const failed = tasks.find((task) => stateOf(task) === 'EXECUTOR_ERROR');
  const log = failed?.logs?.[0]?.logs[0];
  expect(log?.exit_code).toBe(1);
  expect(log?.stderr).toContain('Error in rule count:');
});

it('C12, C22: the next run does only what is missing', async () => {
  writeWord('green', 'green\n');
  const before = (await world.tasks()).length;
  const { code, output } = await snakemake([]);
  expect(code, output).toBe(0);
  expect(readFileSync(shared('total.txt'), 'utf8')).toBe('12\n');
  const tasks = (await world.tasks()).slice(before);
  expect(tasks.map(stateOf)).toEqual(['COMPLETE', 'COMPLETE']);
  expect(tasks.map(({ outputs }) => outputs)).toEqual([[], []]);
  expect(tasks[0]?.resources).toEqual({ cpu_cores: 1, ram_gb: 1 });
});

it('C4, C38: Ctrl-C cancels what runs', async () => {
  const started = shared('started');
  const { code, output } = await snakemake(
    ['--snakefile', 'slow.smk', '--config', `started=${started}`],
    ['python', 'interrupt.py', started],
  );
  expect(code, output).toBe(1);
  expect(output).toContain('[TES] Task canceled');
  const task = (await world.tasks()).at(-1);
  const ended = await world.server.tes.ended(task?.id ?? '');
  expect(ended.state).toBe('CANCELED');
});
