/** Objects without properties that are undefined. */

/** For optional properties, which are absent and never undefined. */
export const unless = <Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Readonly<Partial<Record<Key, Value>>> =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, Value>>;
