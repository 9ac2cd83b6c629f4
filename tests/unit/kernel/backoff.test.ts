/** Delays grow, stop growing, and keep within half of their ceiling. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../src/kernel/backoff.ts';

const POLICY = { firstMs: 100, factor: 2, maxMs: 1000 };

describe('backoffDelayMs', () => {
  it.each([
    [0, 100],
    [1, 200],
    [3, 800],
    [4, 1000],
    [500, 1000],
  ])('try %i stays below %i ms', (n, ceiling) => {
    expect(backoffDelayMs(POLICY, n, 0)).toBe(ceiling / 2);
    expect(backoffDelayMs(POLICY, n, 0.999999)).toBe(ceiling);
  });

  it('lies between half of the ceiling and the ceiling', () => {
    const inputs = [
      fc.nat(50),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    ] as const;
    fc.assert(
      fc.property(...inputs, (n, random) => {
        const delay = backoffDelayMs(POLICY, n, random);
        return delay >= 50 && delay <= POLICY.maxMs;
      }),
    );
  });
});
