import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../../src/pulsar/embedded/python.ts';
import { writeFakePython, type FakePython } from '../../../support/pulsar/fake-python.ts';
import { anySignal } from '../../../support/pulsar/jobs.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';

const named = (fake: FakePython) => {
  const python = writeFakePython(createTempFolder(), 'python', fake);
  return findPython({ python, environment: { PATH: '/usr/bin:/bin' }, signal: anySignal() });
};

describe('findPython', () => {
  it.each(['3.9.2', '3.9.18', '3.10.0', '3.10.12', '3.11.0', '3.12.1', '3.13.5', '3.14.0'])(
    'takes Python %s',
    async (version) => {
      expect((await named({ version })).version).toBe(version);
    },
  );

  it.each(['2.7.18', '3.6.15', '3.8.20', '3.9.0', '3.9.1', '3.15.0', '4.11.0'])(
    'refuses Python %s and says which it needs',
    async (version) => {
      await expect(named({ version })).rejects.toMatchObject({
        code: 'STARTUP',
        message: expect.stringMatching(`needs Python 3.9.2 to 3.14; found ${version} `) as unknown,
      });
    },
  );

  it('refuses another kind of Python', async () => {
    await expect(named({ kind: 'pypy' })).rejects.toMatchObject({ code: 'STARTUP' });
  });

  it('says which package brings venv', async () => {
    await expect(named({ bare: true })).rejects.toThrow('apt-get install python3-venv');
  });

  it('says that a named Python does not answer', async () => {
    const python = path.join(createTempFolder(), 'none');
    const work = findPython({ python, environment: { PATH: '' }, signal: anySignal() });
    await expect(work).rejects.toThrow(`no Python answers at ${python}`);
  });

  it('goes on to a later candidate when the first does not fit', async () => {
    const folder = createTempFolder();
    writeFakePython(folder, 'python3', { version: '3.8.10' });
    const good = writeFakePython(folder, 'python3.12', { version: '3.12.4' });
    const environment = { PATH: `${folder}:/usr/bin:/bin` };
    const found = await findPython({ environment, signal: anySignal() });
    expect(found).toEqual({ path: good, version: '3.12.4' });
  });
});
