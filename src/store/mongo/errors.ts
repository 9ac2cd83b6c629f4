/** Which errors of the driver leave the outcome of a call open, and what others are in the catalogue. */
import {
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';
import { MagnetarError, isMagnetarError, messageOf } from '../../kernel/errors.ts';
import { redactUrl } from '../../tasks/urls.ts';

/** Server codes of a member that stops, steps down or cannot reach the others, and of a write concern that was not met in time. */
const PASSING_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 64, 89, 91, 100, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

const DUPLICATE_KEY = 11000;

/** The call may have been carried out or not, and may be tried again. */
export const isPassing = (error: unknown): boolean =>
  error instanceof MongoNetworkError ||
  (error instanceof MongoServerError && PASSING_CODES.has(error.code)) ||
  (error instanceof MongoError && error.hasErrorLabel('RetryableWriteError'));

/** Whether an insertion succeeded; false where its key exists. */
export const isNew = async (insertion: Promise<unknown>): Promise<boolean> => {
  try {
    await insertion;
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
};

const OUT_OF_TIME = 50;

/** A driver error at work: the database does not serve; anything else passes unchanged. */
export const toStoreError = (error: unknown): unknown => {
  if (!(error instanceof MongoError)) return error;
  const text =
    error instanceof MongoServerError && error.code === OUT_OF_TIME
      ? 'the database takes too long to find these tasks: narrow the filter by a state, a tag or a longer prefix of the name'
      : 'the database failed';
  return new MagnetarError('STORE_UNAVAILABLE', text, { cause: error });
};

const AUTH_CODES: ReadonlySet<unknown> = new Set([13, 18, 8000]);

const adviceFor = (error: unknown): string => {
  if (error instanceof MongoServerSelectionError) {
    return 'does not answer: start it, or correct the address of the store';
  }
  if (error instanceof MongoServerError && AUTH_CODES.has(error.code)) {
    return 'refuses this user: correct the name, password and rights in the address of the store';
  }
  return 'cannot be used';
};

/** One clear STARTUP error for anything that went wrong while opening. */
export const toStartupError = (url: string, error: unknown): MagnetarError =>
  isMagnetarError(error)
    ? error
    : new MagnetarError(
        'STARTUP',
        `the MongoDB at ${redactUrl(url)} ${adviceFor(error)} (${messageOf(error)})`,
        { cause: error },
      );
