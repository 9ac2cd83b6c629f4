/** Local folders: the contract of all storages, and what only a file system has. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileStorage } from '../../src/storage/file/file-storage.ts';
import { stepsByNumber, stepsByPath } from '../../src/storage/file/steps.ts';
import { servedFolder } from '../support/storage/names.ts';
import { openFilesBelow } from '../support/storage/open-files.ts';
import { HIDDEN_NAMES, objectStorageContract } from './object-storage.contract.ts';

const WAYS = { 'as on Linux': stepsByNumber, 'as on macOS': stepsByPath };
const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'plain paths': (path) => path,
  'file:// URLs': (path) => `file://${path.split('/').map(encodeURIComponent).join('/')}`,
};

for (const [way, steps] of Object.entries(WAYS)) {
  for (const [spelling, urlOf] of Object.entries(SPELLINGS)) {
    const closers: (() => Promise<void>)[] = [];
    objectStorageContract({
      name: `folders ${way}, ${spelling}`,
      oddNames: [...HIDDEN_NAMES, 'new\nline', '\u0001'],
      from: 'file system',
      hasVersions: true,
      makesFolders: true,
      async setup() {
        const root = await realpath(await mkdtemp(join(tmpdir(), 'magnetar-test-')));
        const stallMs = 20_000;
        const storage = createFileStorage({ read: [root], write: [root], stallMs, steps });
        const strict = createFileStorage({ read: [], write: [], stallMs, steps });
        closers.push(
          () => storage.close(),
          () => strict.close(),
        );
        closers.push(() => rm(root, { recursive: true, force: true }));
        return {
          ...servedFolder(root),
          storage,
          strict,
          url: (names) => urlOf([root, ...names].join('/')),
          openCount: () => openFilesBelow(root),
          secrets: [],
        };
      },
      async teardown() {
        for (const close of closers) await close();
      },
    });
  }
}
