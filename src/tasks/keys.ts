/** Search entries of a task: exact strings that an index finds, so that every filter is a look-up. */
import { createHash } from 'node:crypto';

/** Lengths at which name prefixes are indexed; a wanted prefix is found by the longest that fits. Each costs every create one more entry. */
const PREFIX_LENGTHS: readonly number[] = [1, 4, 12, 40];

/** Longer entries are indexed by their hash: no index entry is large, whatever a client sends. */
const MOST_CHARS = 200;

/** `h:` is the start of nothing else, so that no client can write another's hash. */
const bounded = (entry: string): string =>
  entry.length <= MOST_CHARS
    ? entry
    : `h:${createHash('sha256').update(entry).digest('base64url')}`;

export const tagKey = (key: string): string => bounded(`k:${key}`);

/** The length of the key comes first, because both key and value may contain `=`. */
export const tagPair = (key: string, value: string): string =>
  bounded(`t:${String(key.length)}:${key}=${value}`);

const namePrefix = (prefix: string): string => `n:${prefix}`;

const codePoints = (text: string): number => Array.from(text).length;

/** Cuts by code points, so that no surrogate pair is split. */
const firstChars = (text: string, count: number): string =>
  Array.from(text.slice(0, count * 2))
    .slice(0, count)
    .join('');

export const keysOf = (
  name: string | undefined,
  tags: Readonly<Record<string, string>> | undefined,
): readonly string[] => {
  const keys = new Set<string>();
  for (const [key, value] of Object.entries(tags ?? {})) {
    keys.add(tagKey(key));
    keys.add(tagPair(key, value));
  }
  const length = codePoints(name ?? '');
  for (const size of PREFIX_LENGTHS) {
    if (name !== undefined && size <= length) keys.add(namePrefix(firstChars(name, size)));
  }
  return [...keys];
};

/** Whether `prefixKey` covers the prefix whole, so that nothing is left to compare. */
export const isIndexedPrefix = (prefix: string): boolean =>
  PREFIX_LENGTHS.includes(codePoints(prefix));

/** The indexed entry that covers a wanted prefix; the caller still compares a prefix that is not indexed whole. */
export const prefixKey = (prefix: string): string => {
  const length = codePoints(prefix);
  const size = PREFIX_LENGTHS.filter((candidate) => candidate <= length).at(-1) ?? length;
  return namePrefix(firstChars(prefix, size));
};
