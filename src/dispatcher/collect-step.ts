/** `collect`: outputs that wait in an ended job go to their storages; then the task ends with its report. */
import { Readable } from 'node:stream';
import { isMagnetarError, MagnetarError } from '../kernel/errors.ts';
import { runOf } from '../tasks/attempts.ts';
import { METADATA_FILES } from '../tasks/metadata-files.ts';
import { readRows } from '../tasks/output-list.ts';
import { withCollected, withoutRest, type PushedOutput } from '../tasks/pushes.ts';
import { makeOutputFolder, writeOutput, type RelayPlace } from '../tasks/relay.ts';
import type { Report } from '../tasks/report.ts';
import { readPushed } from '../tasks/runner-schema.ts';
import { untilReachable, type StepInput, type StepResult } from './attempt-context.ts';
import { closeWithReport } from './closing.ts';
import { isItsEnd, withTries } from './tries.ts';
import { whileWanted } from './wanted.ts';

/** The list is not there, or not whole: none of its files can be told from another. */
const listLost = (): MagnetarError =>
  new MagnetarError('PULSAR_REFUSED', 'the list of outputs in the job cannot be read');

const readList = async (input: StepInput, count: number): Promise<readonly PushedOutput[]> => {
  const { deps, task, signal } = input;
  let rows: readonly PushedOutput[] = [];
  const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    rows = await readRows(bytes, (line) => readPushed(deps.runnerSchema, line));
  };
  const options = { signal, maxBytes: Number.MAX_SAFE_INTEGER };
  await deps.transport.download(runOf(task).job, METADATA_FILES.pushed, take, options);
  if (rows.length !== count) throw listLost();
  return rows;
};

/** Ends with an error unless all of the file passes, so that no storage keeps a part of it. */
async function* exactly(
  pieces: AsyncIterable<Uint8Array>,
  { size, path }: PushedOutput,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const piece of pieces) {
    count += piece.length;
    yield piece;
  }
  if (count === size) return;
  const text = `the job has ${String(count)} of ${String(size)} bytes of ${path}`;
  throw new MagnetarError('PULSAR_REFUSED', text);
}

const storeFile = async (input: StepInput, row: PushedOutput, place: RelayPlace): Promise<void> => {
  const { deps, signal } = input;
  const { size } = row;
  const take = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
    const body = Readable.from(exactly(pieces, row), { objectMode: false });
    const stored = await writeOutput(deps, place, body, { signal, size });
    if (stored === size) return;
    const text = `${String(stored)} of ${String(size)} bytes were stored`;
    throw new MagnetarError('STORAGE_FAILED', text);
  };
  const name = `push/${row.stored ?? ''}`;
  const options = { signal, maxBytes: size };
  if (await deps.transport.collect(place.job, name, take, options)) return;
  throw new MagnetarError('PULSAR_REFUSED', 'the file is gone from the job');
};

const storeRow = (input: StepInput, row: PushedOutput): Promise<void> => {
  const { deps, task, signal } = input;
  const place = { job: runOf(task).job, task: task.id, index: row.i, below: row.names };
  return withTries(deps, signal, () =>
    row.stored === undefined
      ? makeOutputFolder(deps, place, { signal })
      : storeFile(input, row, place),
  );
};

/** The rest of an output that failed once is left where it is. */
const collectRow = async (input: StepInput, row: PushedOutput): Promise<void> => {
  const { files, failed } = input.watch.collected;
  if (failed.has(row.i)) return;
  try {
    await storeRow(input, row);
    if (row.stored !== undefined) files.set(row.i, (files.get(row.i) ?? 0) + 1);
  } catch (error) {
    input.signal.throwIfAborted();
    if (!isItsEnd(error)) throw error;
    failed.set(row.i, `output ${String(row.i)} (${row.path}): ${error.message}`);
  }
};

const collectAll = async (input: StepInput, report: Report): Promise<StepResult> => {
  const { collected } = input.watch;
  const rows = await readList(input, report.pushed ?? 0);
  while (collected.next < rows.length) {
    const row = rows[collected.next];
    if (row !== undefined) await collectRow(input, row);
    collected.next += 1;
    collected.stuckSince = undefined;
  }
  return closeWithReport(input, report, (whole) => withCollected(whole, collected));
};

/** A Pulsar that does not answer is waited for: what it holds is the work of the whole task. After that no output that is still there can be had. */
const onTrouble = (
  input: StepInput,
  report: Report,
  error: unknown,
): Promise<StepResult> | StepResult => {
  const isAway =
    isMagnetarError(error, 'PULSAR_UNREACHABLE') || isMagnetarError(error, 'PULSAR_UNAUTHORIZED');
  if (!isAway && !isMagnetarError(error, 'PULSAR_REFUSED')) throw error;
  const { deps, watch } = input;
  const now = deps.clock.monotonic();
  watch.collected.stuckSince ??= now;
  const mayWait = now - watch.collected.stuckSince < deps.timing.handOutMs;
  if (isAway && mayWait) return untilReachable(input, error);
  return closeWithReport(input, report, (whole) =>
    withoutRest(whole, watch.collected, error.message),
  );
};

const collectingLine = ({ watch }: StepInput, report: Report): string =>
  `storing outputs: ${String(watch.collected.next)} of ${String(report.pushed ?? 0)} files`;

export const collectStep = async (input: StepInput): Promise<StepResult> => {
  const { report } = runOf(input.task).inbox;
  if (report === undefined) throw new TypeError('outputs are collected without a report');
  input.deps.assertOwner();
  try {
    return await whileWanted(
      input,
      () => collectingLine(input, report),
      (wanted) => collectAll(wanted, report),
    );
  } catch (error) {
    input.signal.throwIfAborted();
    return onTrouble(input, report, error);
  }
};
