/** Search entries: unambiguous, bounded, and never cut inside a character. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIndexedPrefix, keysOf, prefixKey, tagKey, tagPair } from '../../../src/tasks/keys.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });

describe('search entries', () => {
  it('gives different pairs different entries, whatever they contain', () => {
    fc.assert(
      fc.property(text, text, text, text, (k1, v1, k2, v2) => {
        expect(tagPair(k1, v1) === tagPair(k2, v2)).toBe(k1 === k2 && v1 === v2);
        expect(tagPair(k1, v1)).not.toBe(tagKey(k2));
      }),
    );
    expect(tagPair('a', 'b=c')).not.toBe(tagPair('a=b', 'c'));
  });

  it('finds every prefix of a name among its entries', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
        fc.nat(79),
        (name, n) => {
          const prefix = Array.from(name)
            .slice(0, n + 1)
            .join('');
          expect(keysOf(name, undefined)).toContain(prefixKey(prefix));
        },
      ),
    );
  });

  it('keeps entries short', () => {
    const entries = keysOf('n'.repeat(5000), { ['k'.repeat(5000)]: 'v'.repeat(5000) });
    expect(Math.max(...entries.map((entry) => entry.length))).toBeLessThanOrEqual(202);
  });

  it('says which prefixes are covered whole', () => {
    expect(['a', '😀😀😀😀', 'ab', 'x'.repeat(41)].map(isIndexedPrefix)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
