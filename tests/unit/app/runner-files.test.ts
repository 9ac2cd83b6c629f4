import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CHECK_IMAGE } from '../../../src/dispatcher/sandbox-check.ts';
import { readRunnerFiles } from '../../../src/app/runner-files.ts';

const runner = new URL('../../../runner/', import.meta.url);
const textOf = async (name: string): Promise<string | undefined> =>
  (await readRunnerFiles()).find((file) => file.name === name)?.bytes.toString();

describe('the files every job gets', () => {
  it('are the start script and one runner, nothing else', async () => {
    expect((await readRunnerFiles()).map(({ name }) => name)).toEqual(['run.sh', 'runner.py']);
    expect(await textOf('run.sh')).toBe(await readFile(new URL('run.sh', runner), 'utf8'));
  });

  it('know the image of the check job', async () => {
    expect(await textOf('runner.py')).toContain(`\nCHECK_IMAGE = '${CHECK_IMAGE}'\n`);
  });

  it('have the runner joined as its own tests join it', async () => {
    const { stdout } = await promisify(execFile)('python3', [new URL('join.py', runner).pathname]);
    expect(await textOf('runner.py')).toBe(stdout);
  });
});
