/** Translates what FTP servers and basic-ftp say. Their texts are not kept: they may repeat a path or a password. */
import { FTPError } from 'basic-ftp';
import type { MagnetarError } from '../../kernel/errors.ts';
import {
  connectionFailure,
  denied,
  failed,
  missing,
  refused,
  unavailable,
} from '../connect/failures.ts';

const NOT_LOGGED_IN: ReadonlySet<number> = new Set([430, 530, 532]);
const NOT_DONE: ReadonlySet<number> = new Set([550, 553]);
/** 550 means missing as well as forbidden; only the text tells. */
const FORBIDDEN = /denied|permission|permitted|privilege|forbidden|read.?only/i;

export const ftpFailure = (
  url: string,
  error: unknown,
  use: 'read' | 'write' = 'read',
): MagnetarError => {
  if (!(error instanceof FTPError)) {
    const text = error instanceof Error ? error.message : '';
    if (text.startsWith('PASV returned another host')) {
      return refused(url, 'its server names another host for the data');
    }
    if (text.startsWith('Timeout')) return unavailable(url, 'no answer in time');
    if (/FIN packet|closed/.test(text)) return unavailable(url, 'the connection was cut');
    return connectionFailure(url, error);
  }
  const { code, message } = error;
  if (NOT_LOGGED_IN.has(code)) return denied(url, 'the login is not accepted');
  if (NOT_DONE.has(code)) {
    if (use === 'write') return denied(url, 'cannot be written');
    return FORBIDDEN.test(message) ? denied(url, 'may not be read') : missing(url);
  }
  const shown = `the server answers ${String(code)}`;
  return code >= 400 && code < 500 ? unavailable(url, shown) : failed(url, shown);
};
