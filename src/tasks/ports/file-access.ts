/** Which local paths tasks may use. The adapter compares real paths, so that no link leads out of a root. */
import type { Caller } from '../grants.ts';
import type { CallOptions } from './call.ts';

export type FileUse = 'read' | 'write';

export type FileVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly path: string;
      readonly reason: string;
      /** Another root would allow it. */
      readonly outside: boolean;
    };

/** Folders below which somebody may do something. */
export type FileRoots = Readonly<Record<FileUse, readonly string[]>>;

export interface FileAccess {
  rootsFor(caller: Caller): FileRoots;
  /** Judges absolute paths that may all be meant by one URL: one must lie in an allowed folder, for whoever uses it looks nowhere else. `file` = the path names a file, never a root itself. */
  check(
    paths: readonly string[],
    use: FileUse,
    options: CallOptions & { readonly file: boolean; readonly caller: Caller },
  ): Promise<FileVerdict>;
}
