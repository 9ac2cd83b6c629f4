/** Time-ordered ids: 48 bits of milliseconds and 80 random bits in Crockford's base 32 (the ULID layout), lower case, monotonic in a process. */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

export interface IdSource {
  /** 26 characters; later calls give greater text. */
  next(): string;
}

const encodeTime = (epochMs: number): string => {
  let rest = epochMs;
  let text = '';
  for (let n = 0; n < TIME_CHARS; n += 1) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
};

const increment = (digits: number[]): void => {
  for (let n = digits.length - 1; n >= 0; n -= 1) {
    const next = (digits[n] ?? 0) + 1;
    digits[n] = next % 32;
    if (next < 32) return;
  }
};

const POOL_BYTES = 256 * RANDOM_CHARS;

/** Random digits, drawn from the system for many ids at once. */
const createDraw = () => {
  let pool = Buffer.alloc(0);
  return (): number[] => {
    if (pool.length === 0) pool = randomBytes(POOL_BYTES);
    const digits = Array.from(pool.subarray(0, RANDOM_CHARS), (byte) => byte % 32);
    pool = pool.subarray(RANDOM_CHARS);
    return digits;
  };
};

export const createIdSource = (now: () => number): IdSource => {
  const draw = createDraw();
  let last = 0;
  let digits: number[] = [];
  return {
    next() {
      const time = now();
      if (time > last || digits.length === 0) {
        last = Math.max(time, last);
        digits = draw();
        digits[0] = (digits[0] ?? 0) % 16; // leaves room to count up without wrapping
      } else {
        increment(digits);
      }
      return encodeTime(last) + digits.map((digit) => ALPHABET.charAt(digit)).join('');
    },
  };
};

/** Ids made earlier are less than this text, those made later are greater. */
export const idsSince = (epochMs: number): string => encodeTime(epochMs);

export const isId = (text: string): boolean => /^[0-9a-hjkmnp-tv-z]{26}$/.test(text);
