/** A folder of its own for one test, removed afterwards. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const createTempFolder = (): string => {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'magnetar-test-')));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
};

/** A file with this text in a folder of its own; answers its path. */
export const createTempFile = (name: string, text: string): string => {
  const file = path.join(createTempFolder(), name);
  writeFileSync(file, text);
  return file;
};
