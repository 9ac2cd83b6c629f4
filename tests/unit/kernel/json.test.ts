import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRecord, jsonSize } from '../../../src/kernel/json.ts';

describe('isRecord', () => {
  it.each([
    [{}, true],
    [[], false],
    [null, false],
    [undefined, false],
    ['text', false],
  ])('of %j is %s', (value, expected) => {
    expect(isRecord(value)).toBe(expected);
  });
});

describe('jsonSize', () => {
  it('is near the length of the JSON text', () => {
    expect(jsonSize({ a: 'x'.repeat(1000), list: ['y'.repeat(1000)] })).toBeGreaterThan(2000);
    expect(jsonSize({ a: 'x'.repeat(1000), list: ['y'.repeat(1000)] })).toBeLessThan(2050);
  });

  it('is never less than the plain text in it', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'b') });
    const value = fc.dictionary(plain, fc.oneof(plain, fc.array(plain), fc.constant(null)));
    fc.assert(
      fc.property(value, (given) => {
        expect(jsonSize(given)).toBeGreaterThanOrEqual(JSON.stringify(given).length);
      }),
    );
  });
});
