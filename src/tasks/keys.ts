/** Search entries of a task: exact strings that an index finds, so that every filter is a look-up. */

/** Lengths at which name prefixes are indexed; a longer prefix filters on the longest that fits. */
const PREFIX_LENGTHS = [1, 2, 4, 8, 16, 32] as const;

export const tagKey = (key: string): string => `k:${key}`;
export const tagPair = (key: string, value: string): string => `t:${key}=${value}`;
const namePrefix = (prefix: string): string => `n:${prefix}`;

/** Cuts by code points, so that no surrogate pair is split. */
const firstChars = (text: string, count: number): string => [...text.slice(0, count * 2)].slice(0, count).join('');

export const keysOf = (
  name: string | undefined,
  tags: Readonly<Record<string, string>> | undefined,
): readonly string[] => {
  const keys = new Set<string>();
  for (const [key, value] of Object.entries(tags ?? {})) {
    keys.add(tagKey(key));
    keys.add(tagPair(key, value));
  }
  const length = name === undefined ? 0 : [...name].length;
  for (const size of PREFIX_LENGTHS) {
    if (name !== undefined && size <= length) keys.add(namePrefix(firstChars(name, size)));
  }
  return [...keys];
};

/** The indexed entry that covers a wanted prefix; the caller still compares the whole prefix. */
export const prefixKey = (prefix: string): string => {
  const length = [...prefix].length;
  const size = PREFIX_LENGTHS.filter((candidate) => candidate <= length).at(-1) ?? length;
  return namePrefix(firstChars(prefix, size));
};
