/** Looking into JSON of unknown shape. */
import { isRecord, type JsonRecord } from '../kernel/json.ts';

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const recordOf = (value: unknown): JsonRecord => (isRecord(value) ? value : {});

/** What lies at a path; undefined where there is nothing. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof key === 'number' ? listOf(inner)[key] : recordOf(inner)[key]),
    value,
  );

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
};

/** A value for a message. */
export const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : JSON.stringify(value);

/** Whether two values are the same JSON, whatever the order of keys. */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isSame(a[key], b[key]));
};

/** Each member of a value and of all values in it, with the path to it. */
export function* walk(value: unknown, path = ''): Generator<readonly [path: string, unknown]> {
  const members: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, index) => [`${path}[${String(index)}]`, item])
    : Object.entries(recordOf(value)).map(([key, item]) => [`${path}.${key}`, item]);
  for (const [place, item] of members) {
    yield [place, item];
    yield* walk(item, place);
  }
}
