/** Damages bytes: some are flipped, cut, doubled or put in. */
import fc from 'fast-check';

export type Bytes = Uint8Array<ArrayBuffer>;

const joined = (...pieces: readonly Uint8Array[]): Bytes => Uint8Array.from(Buffer.concat(pieces));

/** `at` and `length` are parts of the whole, from 0 to 1; `noise` is what may come in. */
interface Damage {
  readonly kind: keyof typeof KINDS;
  readonly at: number;
  readonly length: number;
  readonly noise: Uint8Array;
}

const KINDS = {
  flip: (bytes: Bytes, from: number, _to: number, noise: Uint8Array): Bytes =>
    bytes.map((byte, index) => (index === from ? byte ^ (1 << ((noise[0] ?? 0) & 7)) : byte)),
  cut: (bytes: Bytes, from: number, to: number): Bytes =>
    joined(bytes.subarray(0, from), bytes.subarray(to)),
  double: (bytes: Bytes, from: number, to: number): Bytes =>
    joined(bytes.subarray(0, to), bytes.subarray(from)),
  insert: (bytes: Bytes, from: number, _to: number, noise: Uint8Array): Bytes =>
    joined(bytes.subarray(0, from), noise, bytes.subarray(from)),
} as const;

/** A part is short: longer ones leave little that is still JSON. */
const LONGEST = 4;

const apply = (bytes: Bytes, { kind, at, length, noise }: Damage): Bytes => {
  const from = Math.floor(at * bytes.length);
  const to = Math.min(bytes.length, from + 1 + Math.floor(length * LONGEST));
  return KINDS[kind](bytes, from, to, noise);
};

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** What JSON is made of, so that some bodies stay JSON and mean something else. */
const NOISE = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 4 }),
  fc
    .constantFrom('"', '\\', '\\ud800', '\\u0000', '{', '}', '[', ']', ',', ':', '0', '-', 'e999')
    .map((text) => new TextEncoder().encode(text)),
  fc
    .constantFrom('null', 'true', ' ', '\uFEFF', '"__proto__":', '"id":"x",')
    .map((text) => new TextEncoder().encode(text)),
);

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom<keyof typeof KINDS>('flip', 'cut', 'double', 'insert'),
  at: part,
  length: part,
  noise: NOISE,
});

/** These texts with one or two damages each. */
export const damaged = (texts: fc.Arbitrary<string>): fc.Arbitrary<Bytes> =>
  fc
    .tuple(texts, fc.array(damage, { minLength: 1, maxLength: 2 }))
    .map(([text, damages]) => damages.reduce(apply, joined(new TextEncoder().encode(text))));
