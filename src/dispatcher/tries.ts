/** One transfer between a storage and a job, tried again where that may help. */
import { backoffDelayMs } from '../kernel/backoff.ts';
import { isMagnetarError, type ErrorCode, type MagnetarError } from '../kernel/errors.ts';
import type { AttemptDeps } from './attempt-context.ts';
import { TRANSFER_TRIES } from './timing.ts';

const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'STORAGE_UNAVAILABLE',
  'PULSAR_UNREACHABLE',
]);

/** What no further try would change: it ends the input or output that it is about. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'STORAGE_MISSING',
  'STORAGE_DENIED',
  'STORAGE_REFUSED',
  'STORAGE_FAILED',
  'STORAGE_UNAVAILABLE',
  'NO_METHOD',
  'SECRET_UNREADABLE',
  'PATH_UNKNOWN',
  'PULSAR_REFUSED',
]);

/** Whether a transfer that was tried often enough failed for a reason of its own, not of Pulsar, the store, or this process. */
export const isItsEnd = (error: unknown): error is MagnetarError =>
  isMagnetarError(error) && ENDS.has(error.code);

const LONGEST_WAIT_MS = 120_000;

/** What the storage asks for, where it does. */
const askedMs = ({ headers }: MagnetarError): number => {
  const seconds = Number(headers['retry-after'] ?? 0);
  return Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_WAIT_MS) : 0;
};

/** The error of the last try is thrown. Before each try this process must still own the destination. */
export const withTries = async <Result>(
  { clock, timing, random, assertOwner }: AttemptDeps,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> => {
  for (let tries = 1; ; tries += 1) {
    assertOwner();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isPassing = isMagnetarError(error) && PASSING.has(error.code);
      if (!isPassing || tries === TRANSFER_TRIES) throw error;
      const backoff = backoffDelayMs(timing.transfer, tries - 1, random());
      await clock.sleep(Math.max(backoff, askedMs(error)), signal);
    }
  }
};
