/** Recognises a creation that was asked for before: by the client's key or, where the operator wants it, by its body. */
import { hash } from 'node:crypto';
import { MagnetarError } from '../kernel/errors.ts';
import { isRecord } from '../kernel/json.ts';
import type { OwnerId } from './ids.ts';
import type { Once } from './ports/task-store.ts';

/** A client's key is kept this long. */
const KEY_MS = 24 * 60 * 60 * 1000;

export interface Request {
  readonly owner: OwnerId;
  /** What the client calls the request. */
  readonly key?: string;
  /** As parsed from JSON; its depth is checked. */
  readonly body: unknown;
}

/** Members of objects in one order, as JSON gives them none. */
const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, ordered(value[name])]));
};

const digest = (value: unknown): string => hash('sha256', JSON.stringify(value), 'base64url');

export interface Recognition {
  /** How long equal bodies without a key are one; 0 = they never are. */
  readonly windowMs: number;
  readonly now: number;
  /** Bodies hold secrets that could be guessed from a plain digest. */
  readonly print: (text: string) => string;
}

export const onceOf = (
  { owner, key, body }: Request,
  { windowMs, now, print: printOf }: Recognition,
): Once | undefined => {
  if (key === undefined && windowMs === 0) return undefined;
  const print = printOf(JSON.stringify(ordered(body)));
  const [name, keepMs] = key === undefined ? [['body', print], windowMs] : [['key', key], KEY_MS];
  return { key: digest([owner, ...name]), print, at: now, until: now + keepMs };
};

export const keyReused = (): MagnetarError =>
  new MagnetarError('KEY_REUSED', 'this Idempotency-Key was used for another body');

/** Runs the work unless work of the same name is under way in this process. */
export const alone = async <Result>(
  names: Set<string>,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  if (names.has(name)) {
    throw new MagnetarError('KEY_IN_USE', 'the first request with this key is not answered yet', {
      headers: { 'retry-after': '1' },
    });
  }
  names.add(name);
  try {
    return await work();
  } finally {
    names.delete(name);
  }
};
