/** How every call to the store runs: refused when called off or closed, tried again after passing errors, the rest translated. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffDelayMs, type BackoffPolicy } from '../../kernel/backoff.ts';
import { createDeferred } from '../../kernel/deferred.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import { isPassing, toStoreError } from './errors.ts';

const BACKOFF: BackoffPolicy = { firstMs: 50, factor: 3, maxMs: 2000 };
const MOST_TRIES = 5;

/**
 * Each try must find out by itself whether an earlier one was carried out: the answer may have got lost.
 * `retried` tells that there was one.
 */
export type Try<Result> = (retried: boolean) => Promise<Result>;

export interface Calls {
  run<Result>(options: CallOptions, attempt: Try<Result>): Promise<Result>;
  /** Refuses new calls and waits for those under way. */
  drain(): Promise<void>;
}

const untilAborted = async <Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> => {
  const { promise: aborted, reject } = createDeferred<never>();
  const onAbort = () => {
    reject(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

const tryOften = async <Result>(attempt: Try<Result>, signal: AbortSignal): Promise<Result> => {
  for (let n = 0; ; n += 1) {
    try {
      return await attempt(n > 0);
    } catch (error) {
      if (!isPassing(error) || n + 1 >= MOST_TRIES || signal.aborted) throw toStoreError(error);
      await sleep(backoffDelayMs(BACKOFF, n, Math.random()));
    }
  }
};

export const createCalls = (): Calls => {
  const underWay = new Set<Promise<unknown>>();
  let open = true;
  return {
    async run(options, attempt) {
      const { signal } = options;
      signal.throwIfAborted();
      if (!open) throw new MagnetarError('STOPPING', 'the store is closed');
      const work = tryOften(attempt, signal);
      underWay.add(work);
      try {
        return await untilAborted(work, signal);
      } finally {
        void work.then(
          () => underWay.delete(work),
          () => underWay.delete(work),
        );
      }
    },
    async drain() {
      open = false;
      await Promise.allSettled(underWay);
    },
  };
};
