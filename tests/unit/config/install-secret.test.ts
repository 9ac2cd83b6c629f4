import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadInstallSecret } from '../../../src/config/install-secret.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const CONFIGURED = 'configured-'.repeat(3);

describe('loadInstallSecret', () => {
  it('makes a secret that only this user may read, and finds it again', async () => {
    const folder = join(createTempFolder(), 'data');
    const made = await loadInstallSecret(folder, '');
    expect(made.secret).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600);
    expect(await loadInstallSecret(folder, '')).toEqual(made);
  });

  it('takes the configured one, alike in every data directory, and writes none', async () => {
    const [one, other] = [createTempFolder(), createTempFolder()];
    const secret = await loadInstallSecret(one, CONFIGURED);
    expect(secret.secret).toBe(CONFIGURED);
    expect(await loadInstallSecret(other, CONFIGURED)).toEqual(secret);
    expect(() => readFileSync(join(one, 'secret'))).toThrow('ENOENT');
  });

  it('names installations apart without telling the secret', async () => {
    const { server } = await loadInstallSecret(createTempFolder(), CONFIGURED);
    expect(server).toMatch(/^[0-9a-f]{12}$/);
    expect((await loadInstallSecret(createTempFolder(), '')).server).not.toBe(server);
  });

  it('refuses a file that holds no secret', async () => {
    const folder = createTempFolder();
    writeFileSync(join(folder, 'secret'), 'short');
    await expect(loadInstallSecret(folder, '')).rejects.toThrow('holds no install secret');
  });
});
