/** From keys to files and folders: S3 has no folders, only keys with slashes in them. No I/O. */
import type { StoredEntry } from '../../tasks/ports/object-storage.ts';
import { isName } from '../../tasks/urls.ts';

export interface ListedKey {
  /** Without the prefix that was listed. */
  readonly key: string;
  readonly size: number;
}

export interface Found extends Pick<StoredEntry, 'kind' | 'path'> {
  readonly size?: number;
}

export interface Folding {
  /** Entries that the key adds; undefined = it cannot be a path. */
  add(listed: ListedKey): readonly Found[] | undefined;
}

const sharedLength = (a: readonly string[], b: readonly string[]): number => {
  const end = a.findIndex((segment, index) => b[index] !== segment);
  return end === -1 ? a.length : end;
};

/** Keys below one folder come one after another, so the way to the last key is all that is to be remembered. */
export const createFolding = (): Folding => {
  let open: readonly string[] = [];
  return {
    add({ key, size }) {
      if (key === '') return []; // the listed folder's own mark
      const segments = key.split('/');
      const marksFolder = key.endsWith('/') && size === 0;
      const path = marksFolder ? segments.slice(0, -1) : segments;
      if (!path.every(isName)) return undefined;
      const folder = marksFolder ? path : path.slice(0, -1);
      const known = sharedLength(folder, open);
      open = folder;
      const folders = folder
        .slice(known)
        .map((_, index): Found => ({ kind: 'folder', path: folder.slice(0, known + index + 1) }));
      return marksFolder ? folders : [...folders, { kind: 'file', path, size }];
    },
  };
};
