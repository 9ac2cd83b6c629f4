/** The errors of storages. Foreign errors may carry a URL, hence a password: nothing of them but a known code is kept. */
import { MagnetarError, isMagnetarError } from '../../kernel/errors.ts';
import { redactUrl } from '../../tasks/urls.ts';

/** Codes of Node that may be shown; any other becomes `unknown failure`. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ECONNABORTED: 'no answer in time',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut',
  HPE_INVALID_EOF_STATE: 'the connection was cut',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'name server does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
};

/** Trying again does not help: what answers is not what was meant, or not what it says. */
const LASTING: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not trusted',
  CERT_UNTRUSTED: 'its certificate is not trusted',
  EPROTO: 'no encrypted connection can be agreed on',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  HPE_HEADER_OVERFLOW: 'the header of its answer is too large',
};

/** Of errors that come in families. */
const LASTING_PREFIXES: Readonly<Record<string, string>> = {
  ERR_SSL_: 'no encrypted connection can be agreed on',
  ERR_TLS_: 'no encrypted connection can be agreed on',
  HPE_: 'its answer is no HTTP',
};

const lastingReason = (code: string): string | undefined => {
  if (Object.hasOwn(REASONS, code)) return undefined;
  const prefix = Object.keys(LASTING_PREFIXES).find((start) => code.startsWith(start));
  return LASTING[code] ?? LASTING_PREFIXES[prefix ?? ''];
};

const named = (url: string, text: string): string => `${redactUrl(url)}: ${text}`;

export const missing = (url: string): MagnetarError =>
  new MagnetarError('STORAGE_MISSING', named(url, 'there is no such file or folder'));

export const denied = (url: string, why: string): MagnetarError =>
  new MagnetarError('STORAGE_DENIED', named(url, why));

export const refused = (url: string, why: string): MagnetarError =>
  new MagnetarError('STORAGE_REFUSED', named(url, why));

/** Whole seconds, whether given so or as a time. */
const secondsOf = (retryAfter: string): number | undefined => {
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const time = /^[A-Z][a-z]{2}, /.test(retryAfter) ? Date.parse(retryAfter) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, Math.ceil((time - Date.now()) / 1000));
};

/** `retryAfter`: the storage's own header; the error carries it in seconds, as `headers['retry-after']`. */
export const unavailable = (url: string, why: string, retryAfter = ''): MagnetarError => {
  const seconds = secondsOf(retryAfter);
  const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return new MagnetarError('STORAGE_UNAVAILABLE', named(url, why), { headers });
};

export const failed = (url: string, why: string): MagnetarError =>
  new MagnetarError('STORAGE_FAILED', named(url, why));

/** The reason of an abort as one of our errors. */
export const abortReason = (signal: AbortSignal): MagnetarError =>
  isMagnetarError(signal.reason)
    ? signal.reason
    : new MagnetarError('ABORTED', 'the transfer was called off');

const MOST_CAUSES = 5;

/** Our own error inside a foreign one, such as the guard's inside that of an HTTP client. */
const ownError = (error: unknown): MagnetarError | undefined => {
  let here = error;
  for (let depth = 0; depth < MOST_CAUSES && here instanceof Error; depth += 1) {
    if (isMagnetarError(here)) return here;
    here = here.cause;
  }
  return undefined;
};

const codesOf = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return [...own, ...inner.flatMap(codesOf)];
};

/** What went wrong between here and the storage, as one of our errors. */
export const connectionFailure = (url: string, error: unknown): MagnetarError => {
  const own = ownError(error);
  if (own !== undefined) return own;
  const codes = codesOf(error);
  const lasting = codes.map(lastingReason).find((reason) => reason !== undefined);
  if (lasting !== undefined) return failed(url, lasting);
  const reason = codes.map((code) => REASONS[code]).find((text) => text !== undefined);
  return unavailable(url, reason ?? 'unknown failure');
};
