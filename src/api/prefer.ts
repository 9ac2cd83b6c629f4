/** Reads `Prefer: wait=N` (RFC 7240): how long an answer may be held back. */
import type { Request } from 'express';

/** Proxies give up after about a minute. */
const MOST_S = 60;

const WAIT = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;|$)/i;

/** Seconds, bounded; undefined = the client does not ask for it, or not understandably, which counts as the same. */
export const preferredWait = (req: Request): number | undefined => {
  for (const preference of (req.get('prefer') ?? '').split(',')) {
    const seconds = WAIT.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), MOST_S);
  }
  return undefined;
};
