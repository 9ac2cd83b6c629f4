/** Group commit: writes that arrive while one transaction is on its way to the disk, or in the same turn of the event loop, share the next. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MagnetarError } from '../../kernel/errors.ts';
import { toStoreError } from './errors.ts';
import type { Entry, Report, Transact } from './transaction.ts';

export interface CommitQueue {
  /** Runs `work` inside a transaction and answers with its result once that is durable. `work` must be synchronous and change nothing but the database: it may run twice. */
  commit<Result>(work: () => Result, signal: AbortSignal): Promise<Result>;
  /** @throws MagnetarError STORE_UNAVAILABLE once the disk has failed to keep a write */
  assertSound(): void;
  /** Once everything that has arrived is answered. */
  idle(): Promise<void>;
}

/** Resolves once all that was committed before is on the disk. */
export type Sync = () => Promise<void>;

interface Waiting extends Entry {
  readonly signal: AbortSignal;
}

const commitAll = (entries: readonly Entry[], transact: Transact): readonly Report[] => {
  if (entries.length === 0) return [];
  try {
    return transact(entries);
  } catch (error) {
    for (const entry of entries) entry.fail(toStoreError(error));
    return [];
  }
};

export const createCommitQueue = (transact: Transact, sync: Sync): CommitQueue => {
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  /** Nobody knows what a disk has kept after a sync that failed, whatever the next one says. */
  let failure: MagnetarError | undefined;

  const assertSound = (): void => {
    if (failure !== undefined) throw failure;
  };

  const commitArrived = async (): Promise<void> => {
    const arrived = waiting;
    waiting = [];
    for (const entry of arrived) if (entry.signal.aborted) entry.fail(entry.signal.reason);
    const wanted = arrived.filter(({ signal }) => !signal.aborted);
    try {
      assertSound();
      const reports = commitAll(wanted, transact);
      if (reports.length > 0) await sync();
      for (const report of reports) report();
    } catch (cause) {
      failure ??= new MagnetarError(
        'STORE_UNAVAILABLE',
        'the disk failed to keep a write: restart the server when the disk is sound',
        { cause },
      );
      for (const entry of wanted) entry.fail(failure);
    }
  };

  const work = async (): Promise<void> => {
    await nextTurn();
    while (waiting.length > 0) await commitArrived();
    working = undefined;
  };

  return {
    commit: <Result>(write: () => Result, signal: AbortSignal) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({
          signal,
          run() {
            const result = write();
            return () => {
              resolve(result);
            };
          },
          fail: reject,
        });
        working ??= work();
      }),
    assertSound,
    idle: async () => {
      await working;
    },
  };
};
