/** How a body is cut for S3: one put, parts held in memory and sent side by side, or parts passed on as they come. No I/O. */

const MIB = 1024 * 1024;

/** Below this one put is fewer requests and just as fast. */
const ONE_PUT_BELOW = 16 * MIB;
const PART = 8 * MIB;
/** The rule of S3. */
export const MOST_PARTS = 10_000;
/** Larger parts are not held in memory. */
const MOST_HELD = 16 * MIB;

export type Cut =
  | { readonly kind: 'put'; readonly size: number }
  /** Parts of this size; the last one is what is left. */
  | { readonly kind: 'held'; readonly part: number }
  | { readonly kind: 'passed'; readonly part: number; readonly size: number };

/** All parts but the last are equal: some services demand it. */
export const cutFor = (size: number | undefined): Cut => {
  if (size === undefined) return { kind: 'held', part: PART };
  if (size < ONE_PUT_BELOW) return { kind: 'put', size };
  const part = Math.max(PART, Math.ceil(size / MOST_PARTS));
  return part > MOST_HELD ? { kind: 'passed', part, size } : { kind: 'held', part };
};
