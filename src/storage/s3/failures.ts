/** What S3 services answer as errors of storages, by their codes. Their own words and properties are dropped: they repeat keys and signatures. */
import type { ErrorCode, MagnetarError } from '../../kernel/errors.ts';
import {
  abortReason,
  connectionFailure,
  denied,
  failed,
  missing,
  unavailable,
} from '../connect/failures.ts';

type Kind = Extract<
  ErrorCode,
  'STORAGE_MISSING' | 'STORAGE_DENIED' | 'STORAGE_UNAVAILABLE' | 'STORAGE_FAILED'
>;

const all = (kind: Kind, ...codes: readonly string[]): Readonly<Record<string, Kind>> =>
  Object.fromEntries(codes.map((code) => [code, kind]));

const KINDS: Readonly<Record<string, Kind>> = {
  ...all('STORAGE_MISSING', 'NoSuchKey', 'NoSuchBucket', 'NoSuchVersion', 'NotFound'),
  ...all('STORAGE_DENIED', 'AccessDenied', 'AllAccessDisabled', 'AccountProblem', 'Forbidden'),
  ...all('STORAGE_DENIED', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed'),
  ...all('STORAGE_DENIED', 'ExpiredToken', 'InvalidToken', 'CredentialsProviderError'),
  ...all('STORAGE_DENIED', 'XAdminUserNotFound'), // what versitygw says instead of InvalidAccessKeyId
  ...all(
    'STORAGE_UNAVAILABLE',
    'SlowDown',
    'ServiceUnavailable',
    'InternalError',
    'RequestTimeout',
  ),
  ...all('STORAGE_UNAVAILABLE', 'Throttling', 'ThrottlingException', 'TooManyRequests'),
  ...all('STORAGE_UNAVAILABLE', 'OperationAborted', 'TimeoutError'),
};

/** Where the code alone does not say what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  AuthorizationHeaderMalformed: 'is `region` of the endpoint right?',
  PermanentRedirect: 'is `region` of the endpoint right?',
  CredentialsProviderError: 'neither the environment nor the standard files have credentials',
  RequestTimeTooSkewed: 'the clocks differ',
  TimeoutError: 'no answer in time',
  EntityTooLarge: 'the service stores no file of this size',
};

const kindOfStatus = (status: number): Kind => {
  if (status === 404) return 'STORAGE_MISSING';
  if (status === 401 || status === 403) return 'STORAGE_DENIED';
  return status >= 500 || status === 429 || status === 408
    ? 'STORAGE_UNAVAILABLE'
    : 'STORAGE_FAILED';
};

/** What of an SDK error is used. */
interface Answer {
  /** Empty = no code: answers to HEAD have no body. */
  readonly name: string;
  readonly status: number | undefined;
  readonly retryAfter?: string;
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

const answerOf = (error: unknown): Answer => {
  const name = propertyOf(error, 'name');
  const status = propertyOf(propertyOf(error, '$metadata'), 'httpStatusCode');
  const headers = propertyOf(propertyOf(error, '$response'), 'headers');
  const retryAfter = propertyOf(headers, 'retry-after');
  return {
    name: typeof name === 'string' && /^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(name) ? name : '',
    status: typeof status === 'number' ? status : undefined,
    ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
  };
};

const why = ({ name, status }: Answer): string => {
  const advice = Object.hasOwn(ADVICE, name) ? ADVICE[name] : undefined;
  const answered = status === undefined ? name : `answers ${String(status)} ${name}`.trimEnd();
  return advice === undefined ? answered : `${answered}: ${advice}`;
};

const ofKind = (url: string, kind: Kind, answer: Answer): MagnetarError => {
  switch (kind) {
    case 'STORAGE_MISSING':
      return missing(url);
    case 'STORAGE_DENIED':
      return denied(url, why(answer));
    case 'STORAGE_UNAVAILABLE':
      return unavailable(url, why(answer), answer.retryAfter);
    case 'STORAGE_FAILED':
      return failed(url, why(answer));
  }
};

/** A success that cannot be read, or an error of a proxy that is no S3, has a status but no code. */
const kindOf = ({ name, status }: Answer): Kind | undefined => {
  if (Object.hasOwn(KINDS, name)) return KINDS[name];
  if (status === undefined) return undefined;
  return status < 300 ? 'STORAGE_FAILED' : kindOfStatus(status);
};

export const failureOf = (url: string, error: unknown, signal: AbortSignal): MagnetarError => {
  if (signal.aborted) return abortReason(signal);
  const answer = answerOf(error);
  const kind = kindOf(answer);
  return kind === undefined ? connectionFailure(url, error) : ofKind(url, kind, answer);
};

/** Whether the service has said this of the request. */
export const hasStatus = (error: unknown, ...statuses: readonly number[]): boolean =>
  statuses.includes(answerOf(error).status ?? 0);

/** The SDK compares the body with the checksum of its header; nothing but its words tells that from a cut. */
export const checksumFailure = (url: string, error: unknown): MagnetarError | undefined =>
  error instanceof Error && error.message.startsWith('Checksum mismatch')
    ? failed(url, 'its bytes differ from the checksum it sends')
    : undefined;
