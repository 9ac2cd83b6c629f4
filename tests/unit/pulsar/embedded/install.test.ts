import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureInstalled } from '../../../../src/pulsar/embedded/install.ts';
import { writeFakePython, type FakePython } from '../../../support/pulsar/fake-python.ts';
import { anySignal } from '../../../support/pulsar/jobs.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';

const COLLECTING = ['Collecting aiohttp==3.14.5 (from -r x)', 'Collecting PyYAML==6.0.3'];

const site = (fake: FakePython) => {
  const folder = createTempFolder();
  writeFakePython(folder, 'python3', fake);
  const venv = path.join(folder, 'deep', 'venv');
  const progress: string[] = [];
  const install = () =>
    ensureInstalled({
      venv,
      environment: { PATH: `${folder}:/usr/bin:/bin` },
      signal: anySignal(),
      onProgress: (line) => progress.push(line),
    });
  const calls = () => readFileSync(path.join(folder, 'calls'), 'utf8').trim().split('\n');
  return { folder, venv, progress, install, calls };
};

describe('ensureInstalled', () => {
  it('makes the environment, installs with hashes and tells how far it is', async () => {
    const { install, venv, progress, calls, folder } = site({ pip: COLLECTING });
    expect(await install()).toEqual({
      program: path.join(venv, 'bin', 'python'),
      python: path.join(folder, 'python3'),
    });
    expect(progress[0]).toContain('Python 3.12.1');
    expect(progress[1]).toMatch(/package 1 of \d+ \(aiohttp\)/);
    const pip = calls().find((line) => line.includes('-m pip'));
    expect(pip).toMatch(/--require-hashes --no-deps .*--only-binary=:all:/);
  });

  it('does nothing the second time', async () => {
    const { install, calls } = site({ pip: COLLECTING });
    const first = await install();
    const before = calls().length;
    expect(await install()).toEqual(first);
    expect(calls()).toHaveLength(before);
  });

  it.each<[string, (venv: string) => void]>([
    ['half-made', (venv) => rmSync(path.join(venv, 'magnetar.json'))],
    [
      'marked by something unreadable',
      (venv) => writeFileSync(path.join(venv, 'magnetar.json'), '{'),
    ],
    [
      'of other packages',
      (venv) =>
        writeFileSync(
          path.join(venv, 'magnetar.json'),
          JSON.stringify({ requirements: 'x', python: '/bin/sh' }),
        ),
    ],
    ['without its program', (venv) => rmSync(path.join(venv, 'bin'), { recursive: true })],
  ])('makes an environment anew that is %s', async (_, spoil) => {
    const { install, venv, calls } = site({ pip: COLLECTING });
    const first = await install();
    writeFileSync(path.join(venv, 'rest-of-the-old'), '');
    spoil(venv);
    expect(await install()).toEqual(first);
    expect(existsSync(path.join(venv, 'rest-of-the-old'))).toBe(false);
    expect(calls().filter((line) => line.includes('-m venv'))).toHaveLength(2);
  });

  it('leaves a failed installation unmarked and says what to do', async () => {
    const pip = [
      'WARNING: Retrying after NewConnectionError',
      'ERROR: No matching distribution for x',
    ];
    const { install, venv } = site({ pip, pipCode: 1 });
    await expect(install()).rejects.toMatchObject({
      code: 'STARTUP',
      message: expect.stringContaining('the package index cannot be reached') as unknown,
    });
    expect(existsSync(path.join(venv, 'magnetar.json'))).toBe(false);
  });

  it('says that the environment cannot be made', async () => {
    const { install } = site({ venvError: 'no space' });
    await expect(install()).rejects.toThrow(/cannot make a Python environment in .*: no space/);
  });

  it('is called off by its signal', async () => {
    const { venv, folder } = site({});
    const reason = new Error('enough');
    const work = ensureInstalled({
      venv,
      environment: { PATH: `${folder}:/usr/bin:/bin` },
      signal: AbortSignal.abort(reason),
      onProgress: () => undefined,
    });
    await expect(work).rejects.toBe(reason);
  });
});
