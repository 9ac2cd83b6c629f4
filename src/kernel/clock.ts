/** Time as a dependency, so that tests own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970; for records that people and other machines read. */
  now(): number;
  /** Monotonic milliseconds; for deadlines inside one process. */
  monotonic(): number;
  /** Resolves after `ms`, rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** RFC 3339 in UTC with milliseconds. */
export const toRfc3339 = (epochMs: number): string => new Date(epochMs).toISOString();

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(reasonOf(signal));
        return;
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      const onAbort = () => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
    }),
};

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
