/** Toil with its TES batch system: tasks work in the job store itself, a folder that every task sees. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireTask } from '../support/server/tes-client.ts';
import type { Result } from './support/client.ts';
import { example, layWords } from './support/words.ts';
import { createWorld, type World, type WorldOptions } from './support/world.ts';

interface Site {
  readonly world: World;
  writeWord(word: string, text: string): void;
}

const createToil = async (options: Omit<WorldOptions, 'client'>): Promise<Site> => {
  const world = await createWorld({ client: 'toil', ...options });
  cpSync(example('toil'), world.shared, { recursive: true });
  return { world, writeWord: layWords(path.join(world.shared, 'words')) };
};

const toil = ({ world }: Site, ...more: readonly string[]): Promise<Result> =>
  world.run(
    [
      ...['python', 'letters.py', `file:${world.shared}/store`, '--batchSystem', 'tes'],
      ...['--tesEndpoint', world.server.url, '--retryCount', '0'],
      ...['--words', 'words', '--total', 'total.txt', ...more],
    ],
    { cwd: world.shared },
  );

const stateOf = ({ state }: WireTask): string => state ?? '';
const total = ({ world }: Site): string => path.join(world.shared, 'total.txt');

describe('a job store that service-info offers', () => {
  let site: Site;

  beforeAll(async () => {
    site = await createToil({ openShared: true });
  });

  afterAll(() => site.world.remove());

  it('C3, C14, C28: is the live one in each task; a failing job ends the run with its log', async () => {
    site.writeWord('green', '');
    const { code, output } = await toil(site);
    expect(code, output).toBe(1);
    expect(output).toContain('ValueError: a word without letters');
    expect(output).toContain("'count' kind-count/");
    expect(existsSync(total(site))).toBe(false);
    const store = path.join(site.world.shared, 'store');
    const inputs = [{ url: `file://${store}`, path: store, type: 'DIRECTORY' }];
    expect((await site.world.tasks())[0]?.inputs).toEqual(inputs);
  });

  it('C8, C10, C35: --restart does only what is missing', async () => {
    site.writeWord('green', 'green\n');
    const before = (await site.world.tasks()).length;
    const { code, output } = await toil(site, '--restart');
    expect(code, output).toBe(0);
    expect(readFileSync(total(site), 'utf8')).toBe('12\n');
    const tasks = (await site.world.tasks()).slice(before);
    expect(tasks.map(({ name }) => name?.split(' ')[0])).toEqual(["'count'", "'total'"]);
    expect(tasks.map(stateOf)).toEqual(['COMPLETE', 'COMPLETE']);
  });
});

it('C29: a job store that only a mount of the operator shows does as well', async () => {
  const site = await createToil({});
  try {
    const { code, output } = await toil(site);
    expect(code, output).toBe(0);
    expect(readFileSync(total(site), 'utf8')).toBe('12\n');
    expect((await site.world.tasks())[0]?.inputs).toEqual([]);
  } finally {
    await site.world.remove();
  }
});

it('C28: a job store below a live root needs no mount of the operator', async () => {
  const site = await createToil({ liveShared: true });
  try {
    const { code, output } = await toil(site, '--symlinkImports', 'False');
    expect(code, output).toBe(0);
    expect(readFileSync(total(site), 'utf8')).toBe('12\n');
    const [task] = await site.world.tasks();
    const store = path.join(site.world.shared, 'store');
    expect(task?.inputs).toMatchObject([{ path: store, type: 'DIRECTORY' }]);
    expect(task?.logs?.[0]?.system_logs?.join('\n')).toContain('input 0 is live');
  } finally {
    await site.world.remove();
  }
});
