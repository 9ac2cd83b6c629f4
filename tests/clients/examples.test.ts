import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runCommand } from '../support/built-commands.ts';
import { createTempFile, createTempFolder } from '../support/temp-folder.ts';
import { example } from './support/words.ts';

it('the server of the example workflows reads its configuration', async () => {
  const folder = createTempFolder();
  const text = readFileSync(example('workflows.toml'), 'utf8').replaceAll('/srv/workflows', folder);
  const file = createTempFile('magnetar.toml', text);
  const { code, said } = await runCommand('magnetar', ['config', '--config', file]);
  expect(code, said).toBe(0);
  expect(said.split(folder).length).toBeGreaterThan(3);
});
