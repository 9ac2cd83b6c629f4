/** Data of a running job that this server moves, because the destination cannot reach the storage or may not know its secrets (DESIGN section 5, `relay`). */
import type { Readable } from 'node:stream';
import { isMagnetarError, MagnetarError } from '../kernel/errors.ts';
import type { Caller } from './grants.ts';
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
import { callerOf, type Task } from './task.ts';
import { filePathsOf, outputPathOf, redactUrl, schemeOf, segmentsOf, urlBelow } from './urls.ts';

/** The adapter for a URL, as far as the caller may use it; undefined = none takes its scheme. */
export type FindStorage = (url: string, caller: Caller) => ObjectStorage | undefined;

export interface MoveDeps extends SecretDeps {
  readonly storageOf: FindStorage;
}

export interface RelayDeps extends MoveDeps {
  /** Schemes over which the jobs of a destination may move data themselves. */
  readonly directOf: (destination: string) => readonly string[];
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

interface RelayTask {
  readonly spec: TaskSpec;
  readonly caller: Caller;
  readonly destination: string;
}

/** Only while the job is the one that its task waits for: an older attempt must neither read nor overwrite. */
const wantedTask = async (
  { store }: MoveDeps,
  { job, task }: RelayPlace,
  options: CallOptions,
): Promise<Task & { readonly destination: string }> => {
  const found = await store.get(task, 'all', options);
  if (found?.head.run?.job !== job || found.head.cancel !== undefined) {
    throw new MagnetarError('JOB_OVER', 'the job shall end');
  }
  return { ...found, destination: found.head.run.destination };
};

/** For an upload before its last bytes: what comes of it must be wanted still. @throws MagnetarError JOB_OVER */
export const assertWanted = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<void> => {
  await wantedTask(deps, place, options);
};

const readTask = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<RelayTask> => {
  const task = await wantedTask(deps, place, options);
  const { destination } = task;
  return { spec: await wholeSpecOf(deps, task, options), caller: callerOf(task), destination };
};

const storageFor = ({ storageOf }: MoveDeps, url: string, caller: Caller): ObjectStorage => {
  const storage = storageOf(url, caller);
  if (storage !== undefined) return storage;
  throw new MagnetarError('NO_METHOD', `no storage for ${redactUrl(url)}`);
};

const NOT_HERE = ['STORAGE_MISSING', 'STORAGE_REFUSED'] as const;

/** Of the spellings of a path the one that is there: names below it are plain. */
const spellingOf = async (
  storage: ObjectStorage,
  url: string,
  options: CallOptions,
): Promise<string> => {
  const [literal, decoded] = filePathsOf(url);
  if (literal === undefined || decoded === undefined) return literal ?? url;
  try {
    await storage.stat(literal, options);
    return literal;
  } catch (error) {
    if (!NOT_HERE.some((code) => isMagnetarError(error, code))) throw error;
    return decoded;
  }
};

interface FoundInput extends Found {
  readonly destination: string;
}

const inputAt = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<FoundInput> => {
  const { spec, caller, destination } = await readTask(deps, place, options);
  const input = spec.inputs?.[place.index];
  if (input?.url === undefined || input.content_bytes !== undefined) throw unknown();
  const url = withoutCheck(input.url);
  const storage = storageFor(deps, url, caller);
  return {
    storage,
    url: urlBelow(await spellingOf(storage, url, options), place.below),
    destination,
  };
};

interface FoundOutput extends Found {
  readonly form: UploadForm;
}

const outputAt = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<FoundOutput> => {
  const { spec, caller } = await readTask(deps, place, options);
  const output = spec.outputs?.[place.index];
  if (output === undefined) throw unknown();
  const names = place.below.length > 0 ? place.below : segmentsOf(output.path).slice(-1);
  const form = { url: output.url, name: names.join('/') };
  const url = urlBelow(outputPathOf(output.url) ?? output.url, place.below);
  return { storage: storageFor(deps, output.url, caller), url, form };
};

/** Each try of a fetch asks anew. */
const LINK_SECONDS = 3600;

/**
 * The bytes, or where the job gets them without a detour.
 * @throws MagnetarError JOB_OVER, PATH_UNKNOWN and those of ObjectStorage, like the next
 */
export const readInput = async (
  deps: RelayDeps,
  place: RelayPlace,
  options: ReadOptions,
): Promise<ReadAnswer | { readonly link: string }> => {
  const { storage, url, destination } = await inputAt(deps, place, options);
  const isDirect = deps.directOf(destination).includes(schemeOf(url) ?? '');
  const link = isDirect ? await storage.linkTo?.(url, LINK_SECONDS) : undefined;
  return link === undefined ? storage.read(url, options) : { link };
};

/** The bytes for this server itself. */
export const openInput = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: ReadOptions,
): Promise<ReadAnswer> => {
  const { storage, url } = await inputAt(deps, place, options);
  return storage.read(url, options);
};

/** What lies below an input that is a folder; nothing = the input is a file. */
export const listInput = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<AsyncIterable<StoredEntry> | undefined> => {
  const { storage, url } = await inputAt(deps, place, options);
  const { kind } = await storage.stat(url, options);
  return kind === 'folder' ? storage.list(url, options) : undefined;
};

/** Answers the bytes stored. */
export const writeOutput = async (
  deps: MoveDeps,
  place: RelayPlace,
  body: Readable,
  options: WriteOptions,
): Promise<number> => {
  const { storage, url, form } = await outputAt(deps, place, options);
  return storage.write(url, body, { ...options, form });
};

export const makeOutputFolder = async (
  deps: MoveDeps,
  place: RelayPlace,
  options: CallOptions,
): Promise<void> => {
  const { storage, url } = await outputAt(deps, place, options);
  await storage.makeFolder(url, options);
};
