/** Waits for a condition instead of for time: bounded, and says what it waited for. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** Named in the error. */
  readonly what?: string;
}

/** Answers the first value that is neither undefined nor false; throws when there is none in time. */
export const until = async <Value>(
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  { timeoutMs = 10_000, everyMs = 5, what = 'a condition' }: UntilOptions = {},
): Promise<Value> => {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${String(timeoutMs)} ms for ${what}`);
    await sleep(everyMs);
  }
};
