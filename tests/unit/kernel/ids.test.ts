/** Ids are ordered by time and never repeat in a process. */
import { describe, expect, it } from 'vitest';
import { createIdSource, isId } from '../../../src/kernel/ids.ts';

const idsAt = (times: readonly number[]): readonly string[] => {
  const rest = [...times];
  const source = createIdSource(() => rest.shift() ?? 0);
  return times.map(() => source.next());
};

describe('createIdSource', () => {
  it('makes 26 characters that isId accepts', () => {
    const [id = ''] = idsAt([Date.UTC(2030, 0)]);
    expect(id).toHaveLength(26);
    expect(isId(id)).toBe(true);
  });

  it('gives greater ids for later times', () => {
    const ids = idsAt([1, 2, 1_000_000, 2 ** 47]);
    expect([...ids].sort()).toEqual(ids);
  });

  it.each([
    ['within one millisecond', Array.from({ length: 2000 }, () => 5)],
    ['when the clock goes back', [10, 9, 8, 7, 6]],
  ])('keeps counting up %s', (_what, times) => {
    const ids = idsAt(times);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(times.length);
  });
});

describe('isId', () => {
  it.each(['', 'a', '0123456789abcdefghjkmnpqr', 'I'.repeat(26), 'i'.repeat(26), '-'.repeat(26)])(
    'refuses %j',
    (text) => {
      expect(isId(text)).toBe(false);
    },
  );
});
