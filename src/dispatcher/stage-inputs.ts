/** Inputs of a job that can reach nobody: from their storages into the job, before it starts. */
import { Readable, Transform } from 'node:stream';
import { isMagnetarError, messageOf, type MagnetarError } from '../kernel/errors.ts';
import { runOf } from '../tasks/attempts.ts';
import type { PlanLimits, PushedInput } from '../tasks/plan.ts';
import type { JobUpload } from '../tasks/ports/job-transport.ts';
import type { StoredEntry } from '../tasks/ports/object-storage.ts';
import {
  listText,
  MOST_PUSHED,
  pushedFile,
  pushedList,
  type PushedEntry,
} from '../tasks/pushes.ts';
import { listInput, openInput, type RelayPlace } from '../tasks/relay.ts';
import type { Staged, StepInput, Watch } from './attempt-context.ts';
import { isItsEnd, withTries } from './tries.ts';

/** The inputs cannot be had, and trying again would end the same way. */
export class InputFailure extends Error {}

/** Of all inputs of the task, as far as they are there. */
const sumOf = ({ staged }: Watch): Pick<Staged, 'bytes' | 'files'> => {
  const all = [...staged.values()];
  return {
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    files: all.reduce((sum, { files }) => sum + files, 0),
  };
};

interface Staging {
  readonly input: StepInput;
  readonly item: PushedInput;
  readonly limits: PlanLimits;
  /** How far this input is. */
  readonly amount: Staged;
}

const assertRoom = ({ input, limits }: Staging, more: number): void => {
  const { bytes, files } = sumOf(input.watch);
  const over = (most: number | undefined, used: number, unit: string): void => {
    if (most === undefined || used <= most) return;
    throw new InputFailure(
      `the inputs of the task have more than ${String(most)} ${unit}, its limit (task_input_${unit})`,
    );
  };
  over(limits.input_files, files, 'files');
  over(limits.input_bytes, bytes + more, 'bytes');
};

/** Counts what passes, and ends it when it is too much. */
const counted = (body: Readable, staging: Staging): Readable => {
  const counter = new Transform({
    transform(piece: Uint8Array, _, pass) {
      staging.amount.bytes += piece.length;
      try {
        assertRoom(staging, 0);
        pass(null, piece);
      } catch (error) {
        pass(error as Error);
      }
    },
    destroy(error, done) {
      body.destroy();
      done(error);
    },
  });
  body.on('error', (error) => counter.destroy(error));
  return body.pipe(counter);
};

/** A Pulsar that is well and breaks off each upload has no room for it, most likely. */
const whyNot = async ({ input }: Staging, error: MagnetarError): Promise<never> => {
  await input.deps.transport.probe(input);
  throw new InputFailure(`${error.message}, again and again; is the disk of the Pulsar full?`);
};

const placeOf = ({ input: { task }, item }: Staging, below: readonly string[]): RelayPlace => ({
  job: runOf(task).job,
  task: task.id,
  index: item.i,
  below,
});

/** Answers the bytes. */
const moveFile = async (staging: Staging, n: number, below: readonly string[]): Promise<number> => {
  const { input, item, amount } = staging;
  const { deps, signal } = input;
  const place = placeOf(staging, below);
  const before = amount.bytes;
  amount.files += 1;
  const open = async () => {
    amount.bytes = before;
    const { body, size } = await openInput(deps, place, { signal });
    try {
      assertRoom(staging, size ?? 0);
    } catch (error) {
      body.destroy();
      throw error;
    }
    return { body: counted(body, staging), ...(size === undefined ? {} : { size }) };
  };
  try {
    await withTries(deps, signal, () =>
      deps.transport.upload(place.job, pushedFile(item.i, n), open, { signal }),
    );
  } catch (error) {
    if (isMagnetarError(error, 'PULSAR_UNREACHABLE')) await whyNot(staging, error);
    throw error;
  }
  return amount.bytes - before;
};

/** What lies below an input that is a folder; nothing = it is a file. */
const listed = async (staging: Staging): Promise<readonly StoredEntry[] | undefined> => {
  const { deps, signal } = staging.input;
  const entries = await listInput(deps, placeOf(staging, []), { signal });
  if (entries === undefined) return undefined;
  const found: StoredEntry[] = [];
  for await (const entry of entries) {
    if (found.length === MOST_PUSHED) {
      throw new InputFailure(
        `it has more than ${String(MOST_PUSHED)} files and folders, too many for a Pulsar that cannot reach this server: bring an archive, or set public_url under [server]`,
      );
    }
    found.push(entry);
  }
  return found;
};

const moveFolder = async (
  staging: Staging,
  entries: readonly StoredEntry[],
): Promise<readonly PushedEntry[]> => {
  if (staging.item.check !== undefined) {
    throw new InputFailure(`${staging.item.check.url} is a folder`);
  }
  const moved: PushedEntry[] = [];
  let n = 0;
  for (const { kind, path } of entries) {
    if (kind === 'folder') moved.push({ kind, path });
    else {
      moved.push({ kind, path, size: await moveFile(staging, n, path) });
      n += 1;
    }
  }
  return moved;
};

const uploadOf = (text: Buffer): Promise<JobUpload> =>
  Promise.resolve({ body: Readable.from([text], { objectMode: false }), size: text.length });

const moveInput = async (staging: Staging): Promise<void> => {
  const { input, item, amount } = staging;
  const { deps, signal } = input;
  const entries = await withTries(deps, signal, () => listed(staging));
  const moved: readonly PushedEntry[] =
    entries === undefined
      ? [{ kind: 'file', path: [], size: await moveFile(staging, 0, []) }]
      : await moveFolder(staging, entries);
  const text = Buffer.from(listText(moved));
  await withTries(deps, signal, () =>
    deps.transport.upload(runOf(input.task).job, pushedList(item.i), () => uploadOf(text), {
      signal,
    }),
  );
  amount.isWhole = true;
};

const stageOne = async (staging: Staging): Promise<void> => {
  const { input, item } = staging;
  try {
    await moveInput(staging);
  } catch (error) {
    input.signal.throwIfAborted();
    if (!(error instanceof InputFailure) && !isItsEnd(error)) throw error;
    throw new InputFailure(
      `INPUT_FAILED: input ${String(item.i)} (${item.path}): ${messageOf(error)}`,
      { cause: error },
    );
  }
};

/** For people who wait. */
export const stagingLine = (watch: Watch): string | undefined => {
  const { bytes, files } = sumOf(watch);
  return files === 0
    ? undefined
    : `bringing inputs: ${String(files)} files, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
};

/**
 * What lies there whole from an earlier try is left alone.
 * @throws InputFailure, and MagnetarError JOB_OVER, LEASE_LOST, PULSAR_UNREACHABLE, PULSAR_UNAUTHORIZED
 */
export const stageInputs = async (
  input: StepInput,
  { items, limits }: { readonly items: readonly PushedInput[]; readonly limits: PlanLimits },
): Promise<void> => {
  const { staged } = input.watch;
  for (const item of items) {
    if (staged.get(item.i)?.isWhole === true) continue;
    const amount: Staged = { bytes: 0, files: 0, isWhole: false };
    staged.set(item.i, amount);
    await stageOne({ input, item, limits, amount });
  }
};
