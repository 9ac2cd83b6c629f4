/** Where inputs come from and outputs go to, one adapter for each kind of URL. Every implementation passes tests/contract/object-storage.contract.ts. */
import type { Readable } from 'node:stream';
import type { CallOptions } from './call.ts';

/** What is stored under a URL. */
export interface StoredFile {
  readonly kind: 'file';
  /** Bytes; absent = the storage does not say. */
  readonly size?: number;
  /** Changes with the bytes (a strong ETag, or size and time of change); absent = the storage cannot tell. */
  readonly version?: string;
}

export interface StoredFolder {
  readonly kind: 'folder';
}

export type Stored = StoredFile | StoredFolder;

/** Something below a folder. */
export interface StoredEntry {
  readonly kind: Stored['kind'];
  /** Names from the folder down, decoded; never `.`, `..`, empty, nor with a slash or NUL in them. */
  readonly path: readonly string[];
  /** Where `read` finds it. */
  readonly url: string;
  /** Bytes of a file, where the listing says them. */
  readonly size?: number;
}

export interface ReadOptions extends CallOptions {
  /** First byte wanted; 0 = all. */
  readonly start?: number;
  /** The version that the bytes before `start` belong to. */
  readonly version?: string;
}

export interface ReadAnswer {
  /** The bytes from `start` on. Ends with an error when fewer come than were announced. */
  readonly body: Readable;
  /** Bytes of the whole file, from 0. */
  readonly size?: number;
  readonly version?: string;
  /** Where the body begins: `start`, or 0 where the storage cannot go on from there or the version is another one. */
  readonly start: number;
}

export interface WriteOptions extends CallOptions {
  /** Bytes that `body` will hold, where that is known. */
  readonly size?: number;
  /** For hosts that take files by a form instead of under URLs of their own; absent = by the URL. */
  readonly form?: UploadForm;
}

export interface UploadForm {
  /** Where the task wants its output. */
  readonly url: string;
  /** What the file is called: its base name, or its path below the folder that is the output. */
  readonly name: string;
}

/**
 * One try each: whoever calls decides about repeating, by `retryable` of the error's row.
 * @throws MagnetarError STORAGE_MISSING, STORAGE_DENIED, STORAGE_REFUSED (the address, or a redirect to one, may not be used),
 *   STORAGE_UNAVAILABLE (worth another try; where the storage says when, `headers['retry-after']` has the seconds),
 *   STORAGE_FAILED (also for bytes that differ from the storage's own checksum: those already handed on are not to be kept); messages name the URL without its secrets
 */
export interface ObjectStorage {
  /** What lies there. A URL that ends with a slash means a folder; others may turn out to be one. */
  stat(url: string, options: CallOptions): Promise<Stored>;
  read(url: string, options: ReadOptions): Promise<ReadAnswer>;
  /** Everything below a folder, parents before what is in them, lazily; folders are listed as well, the empty ones above all. */
  list(url: string, options: CallOptions): AsyncIterable<StoredEntry>;
  /** Stores all of `body` or nothing: nobody ever sees half a file under the URL. Folders above it are made. Returns the bytes stored. */
  write(url: string, body: Readable, options: WriteOptions): Promise<number>;
  /** Makes an empty folder where the storage has such a thing. */
  makeFolder(url: string, options: CallOptions): Promise<void>;
  /** An http(s) URL by which whoever knows it can read this one file for so many seconds; absent = the storage has no such thing, undefined = not for this URL. */
  linkTo?(url: string, seconds: number): Promise<string | undefined>;
  close(): Promise<void>;
}
