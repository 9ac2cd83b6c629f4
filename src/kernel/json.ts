/** What is asked of values that came from JSON. */

export type JsonRecord = Readonly<Record<string, unknown>>;

/** An object that is no list. */
export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Quotes, a comma or colon, digits: what a value costs besides its text. */
const OVERHEAD = 4;

/** About how many characters a value takes as JSON; costs far less than writing it. */
export const jsonSize = (value: unknown): number => {
  if (typeof value === 'string') return value.length + OVERHEAD;
  if (Array.isArray(value)) {
    return value.reduce<number>((size, item) => size + jsonSize(item), OVERHEAD);
  }
  if (!isRecord(value)) return OVERHEAD;
  let size = OVERHEAD;
  for (const name in value) size += name.length + OVERHEAD + jsonSize(value[name]); // no lists of entries: this runs for every value of a page
  return size;
};
