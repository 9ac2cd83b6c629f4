/** For optional properties, which are absent and never undefined: `{ ...optional('size', size) }`. */
export const optional = <Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Readonly<Partial<Record<Key, Value>>> =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, Value>>;
