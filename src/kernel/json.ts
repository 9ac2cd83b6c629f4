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
  if (typeof value !== 'object' || value === null) return OVERHEAD;
  let size = OVERHEAD;
  for (const [name, member] of Object.entries(value)) {
    size += (Array.isArray(value) ? 0 : name.length + OVERHEAD) + jsonSize(member);
  }
  return size;
};
