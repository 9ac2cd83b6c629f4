/** Translates what went wrong in a call to a Pulsar. Foreign errors carry the URL, hence the private token: nothing of them but a known code is kept. */
import { isAxiosError } from 'axios';
import { MagnetarError, type ErrorCode } from '../../kernel/errors.ts';

/** Codes of Node and axios that may be shown; any other becomes `unknown failure`. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'name server does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
  ECONNABORTED: 'no answer in time',
  ERR_BAD_RESPONSE: 'the answer broke off',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

const HANG_UPS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

const codeOf = (error: unknown): string => (isAxiosError(error) ? (error.code ?? '') : '');

/** Pulsar closes the socket without an answer when it meets an OSError (protocol A.1). */
export const isHangUp = (error: unknown): boolean => HANG_UPS.has(codeOf(error));

export const isTooLarge = (error: unknown): boolean =>
  isAxiosError(error) && error.message.startsWith('maxContentLength');

const silent = (where: string, reason: string): MagnetarError =>
  new MagnetarError('PULSAR_UNREACHABLE', `${where} does not answer: ${reason}`);

export const unreachable = (where: string, error: unknown): MagnetarError =>
  silent(where, REASONS[codeOf(error)] ?? 'unknown failure');

export const tooLate = (where: string): MagnetarError => silent(where, 'no answer in time');

export const brokenOff = (where: string): MagnetarError => silent(where, 'the answer broke off');

export const hungUp = (where: string, what: string): MagnetarError =>
  new MagnetarError('PULSAR_UNREACHABLE', `${where} closed the connection at "${what}"`);

/** The reason of an abort as one of our errors. */
export const abortReason = (signal: AbortSignal): MagnetarError =>
  signal.reason instanceof MagnetarError
    ? signal.reason
    : new MagnetarError('ABORTED', 'the call to Pulsar was called off');

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'PULSAR_UNAUTHORIZED',
  403: 'PULSAR_UNAUTHORIZED',
  // A proxy in front of a Pulsar that is away; Pulsar itself never sends these.
  502: 'PULSAR_UNREACHABLE',
  503: 'PULSAR_UNREACHABLE',
  504: 'PULSAR_UNREACHABLE',
};

/** An answer other than 200. Its body is never kept: Pulsar's is a constant page, a proxy's may echo the URL. */
export const refused = (where: string, what: string, status: number): MagnetarError => {
  const code = STATUS_CODES[status] ?? 'PULSAR_REFUSED';
  const text =
    code === 'PULSAR_UNAUTHORIZED' ? 'does not accept the private token' : 'answered with an error';
  return new MagnetarError(code, `${where} ${text} at "${what}" (HTTP ${String(status)})`);
};
