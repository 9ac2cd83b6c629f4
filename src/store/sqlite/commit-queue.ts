/** Group commit: writes that arrive while one commit is under way, or in the same turn of the event loop, share the next transaction. */
import { toStoreError } from './errors.ts';
import type { Entry, Transact } from './transaction.ts';

export interface CommitQueue {
  /** Runs `work` inside a transaction and answers with its result once that is durable. `work` must be synchronous and change nothing but the database: it may run twice. */
  commit<Result>(work: () => Result, signal: AbortSignal): Promise<Result>;
  /** Commits what has arrived. */
  flush(): void;
}

interface Waiting extends Entry {
  readonly signal: AbortSignal;
}

const commitAll = (entries: readonly Entry[], transact: Transact): void => {
  if (entries.length === 0) return;
  try {
    transact(entries);
  } catch (error) {
    for (const entry of entries) entry.fail(toStoreError(error));
  }
};

export const createCommitQueue = (transact: Transact): CommitQueue => {
  let waiting: Waiting[] = [];

  const flush = (): void => {
    const arrived = waiting;
    waiting = [];
    for (const entry of arrived) if (entry.signal.aborted) entry.fail(entry.signal.reason);
    commitAll(
      arrived.filter(({ signal }) => !signal.aborted),
      transact,
    );
  };

  return {
    commit: <Result>(work: () => Result, signal: AbortSignal) =>
      new Promise<Result>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({
          signal,
          run() {
            const result = work();
            return () => {
              resolve(result);
            };
          },
          fail: reject,
        });
      }),
    flush,
  };
};
