/** What is asked of values that came from JSON. */

export type JsonRecord = Readonly<Record<string, unknown>>;

/** An object that is no list. */
export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
