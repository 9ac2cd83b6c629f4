/** Toil with its TES batch system: tasks work in the job store itself, a folder that every task sees. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireTask } from '../support/server/tes-client.ts';
import type { Result } from './support/client.ts';
import { example, layWords } from './support/words.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
let writeWord: (word: string, text: string) => void;

beforeAll(async () => {
  world = await createWorld({ client: 'toil' });
  cpSync(example('toil'), world.shared, { recursive: true });
  writeWord = layWords(path.join(world.shared, 'words'));
});

afterAll(() => world.remove());

const toil = (...more: readonly string[]): Promise<Result> =>
  world.run(
    [
      ...['python', 'letters.py', `file:${world.shared}/store`, '--batchSystem', 'tes'],
      ...['--tesEndpoint', world.server.url, '--retryCount', '0'],
      ...['--words', 'words', '--total', 'total.txt', ...more],
    ],
    { cwd: world.shared },
  );

const stateOf = ({ state }: WireTask): string => state ?? '';
const shared = (name: string): string => path.join(world.shared, name);

it('C3, C14, C29: a failing job ends the run with its log', async () => {
  writeWord('green', '');
  const { code, output } = await toil();
  expect(code, output).toBe(1);
  expect(output).toContain('ValueError: a word without letters');
  expect(output).toContain("'count' kind-count/");
  expect(existsSync(shared('total.txt'))).toBe(false);
});

it('C8, C10, C35: --restart does only what is missing', async () => {
  writeWord('green', 'green\n');
  const before = (await world.tasks()).length;
  const { code, output } = await toil('--restart');
  expect(code, output).toBe(0);
  expect(readFileSync(shared('total.txt'), 'utf8')).toBe('12\n');
  const tasks = (await world.tasks()).slice(before);
  expect(tasks.map(({ name }) => name?.split(' ')[0])).toEqual(["'count'", "'total'"]);
  expect(tasks.map(stateOf)).toEqual(['COMPLETE', 'COMPLETE']);
});
