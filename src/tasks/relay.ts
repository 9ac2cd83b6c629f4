/** Data of a running job that this server moves, because the destination cannot reach the storage or may not know its secrets (DESIGN section 5, `relay`). */
import type { Readable } from 'node:stream';
import { MagnetarError } from '../kernel/errors.ts';
import type { JobId, TaskId } from './ids.ts';
import { withoutCheck } from './input-check.ts';
import type { CallOptions } from './ports/call.ts';
import type {
  ObjectStorage,
  ReadAnswer,
  ReadOptions,
  StoredEntry,
  UploadForm,
  WriteOptions,
} from './ports/object-storage.ts';
import type { TaskSpec } from './spec.ts';
import { wholeSpecOf, type SecretDeps } from './task-secrets.ts';
import { redactUrl, segmentsOf, urlBelow } from './urls.ts';

/** The adapter for a URL; undefined = none takes its scheme. */
export type FindStorage = (url: string) => ObjectStorage | undefined;

export interface RelayDeps extends SecretDeps {
  readonly storageOf: FindStorage;
}

/** One input or output of a job, or what lies below it. */
export interface RelayPlace {
  readonly job: JobId;
  readonly task: TaskId;
  /** Index in the task's `inputs` or `outputs`. */
  readonly index: number;
  /** Names below the URL; empty = the URL itself. */
  readonly below: readonly string[];
}

interface Found {
  readonly storage: ObjectStorage;
  readonly url: string;
}

const unknown = (): MagnetarError => new MagnetarError('PATH_UNKNOWN', 'no such path');

/** Only while the job is the one that its task waits for: an older attempt must neither read nor overwrite. */
const specOf = async (
  deps: RelayDeps,
  { job, task }: RelayPlace,
  options: CallOptions,
): Promise<TaskSpec> => {
  const found = await deps.store.get(task, 'all', options);
  if (found?.head.run?.job !== job || found.head.cancel !== undefined) {
    throw new MagnetarError('JOB_OVER', 'the job shall end');
  }
  return wholeSpecOf(deps, found, options);
};

const find = (
  { storageOf }: RelayDeps,
  url: string | undefined,
  below: readonly string[],
): Found => {
  if (url === undefined) throw unknown();
  const storage = storageOf(url);
  if (storage === undefined) {
    throw new MagnetarError('NO_METHOD', `no storage for ${redactUrl(url)}`);
  }
  return { storage, url: urlBelow(url, below) };
};

const inputAt = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<Found> => {
  const { inputs = [] } = await specOf(deps, place, options);
  const input = inputs[place.index];
  if (input?.url === undefined || input.content_bytes !== undefined) throw unknown();
  return find(deps, withoutCheck(input.url), place.below);
};

interface FoundOutput extends Found {
  readonly form: UploadForm;
}

const outputAt = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<FoundOutput> => {
  const { outputs = [] } = await specOf(deps, place, options);
  const output = outputs[place.index];
  if (output === undefined) throw unknown();
  const names = place.below.length > 0 ? place.below : segmentsOf(output.path).slice(-1);
  const form = { url: output.url, name: names.join('/') };
  return { ...find(deps, output.url, place.below), form };
};

/** @throws MagnetarError JOB_OVER, PATH_UNKNOWN and those of ObjectStorage, like the next */
export const readInput = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: ReadOptions,
): Promise<ReadAnswer> => {
  const { storage, url } = await inputAt(deps, place, options);
  return storage.read(url, options);
};

/** What lies below an input that is a folder; nothing = the input is a file. */
export const listInput = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<AsyncIterable<StoredEntry> | undefined> => {
  const { storage, url } = await inputAt(deps, place, options);
  const { kind } = await storage.stat(url, options);
  return kind === 'folder' ? storage.list(url, options) : undefined;
};

/** Answers the bytes stored. */
export const writeOutput = async (
  deps: RelayDeps,
  place: RelayPlace,
  body: Readable,
  options: WriteOptions,
): Promise<number> => {
  const { storage, url, form } = await outputAt(deps, place, options);
  return storage.write(url, body, { ...options, form });
};

export const makeOutputFolder = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<void> => {
  const { storage, url } = await outputAt(deps, place, options);
  await storage.makeFolder(url, options);
};
