/** Files on disk that a server under test shows, put and looked at past it. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type Names = readonly string[];

export interface ServedFolder {
  /** Where it lies. */
  readonly root: string;
  put(names: Names, bytes: Uint8Array): Promise<void>;
  putFolder(names: Names): Promise<void>;
  get(names: Names): Promise<Buffer | undefined>;
  files(folder: Names): Promise<readonly string[]>;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

export const servedFolder = (root: string): ServedFolder => {
  const pathOf = (names: Names): string => join(root, ...names);
  return {
    root,
    async put(names, bytes) {
      await mkdir(dirname(pathOf(names)), { recursive: true });
      await writeFile(pathOf(names), bytes);
    },
    async putFolder(names) {
      await mkdir(pathOf(names), { recursive: true });
    },
    async get(names) {
      try {
        return await readFile(pathOf(names));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async files(folder) {
      const found = await readdir(pathOf(folder), { recursive: true, withFileTypes: true });
      return found.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
  };
};
