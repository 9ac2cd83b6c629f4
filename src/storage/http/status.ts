/** What the status of an answer means. */
import type { MagnetarError } from '../../kernel/errors.ts';
import { denied, failed, missing, unavailable } from '../connect/failures.ts';
import type { HttpAnswer } from './exchange.ts';

/** The body of an error may hold anything and is not kept. */
const statusFailure = (url: string, { status, header }: HttpAnswer): MagnetarError => {
  const shown = `answers HTTP ${String(status)}`;
  if (status === 404 || status === 410) return missing(url);
  if (status === 401 || status === 403 || status === 407) return denied(url, shown);
  const isPassing =
    [408, 425, 429].includes(status) || (status >= 500 && ![501, 505].includes(status));
  return isPassing ? unavailable(url, shown, header('retry-after')) : failed(url, shown);
};

/** The answer when it is a success. */
export const succeeded = (url: string, answer: HttpAnswer): HttpAnswer => {
  if (answer.status >= 200 && answer.status < 300) return answer;
  answer.body.destroy();
  throw statusFailure(url, answer);
};
