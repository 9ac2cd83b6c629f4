import { describe, expect, it } from 'vitest';
import { cutFor } from '../../../../src/storage/s3/parts.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

describe('cutFor', () => {
  it.each([0, 1, 16 * MIB - 1])('puts %i bytes at once', (size) => {
    expect(cutFor(size)).toEqual({ kind: 'put', size });
  });

  it.each([undefined, 16 * MIB, 78 * GIB])('cuts %s bytes into parts of 8 MiB', (size) => {
    expect(cutFor(size)).toEqual({ kind: 'held', part: 8 * MIB });
  });

  it.each([79 * GIB, 156 * GIB, 157 * GIB, TIB, 5 * TIB])(
    'keeps to 10,000 parts of %i bytes',
    (size) => {
      const cut = cutFor(size);
      if (cut.kind === 'put') throw new Error('this is too much for one put');
      expect(Math.ceil(size / cut.part)).toBeLessThanOrEqual(10_000);
      expect(cut.part).toBeLessThanOrEqual(5 * GIB);
      expect(cut.kind).toBe(cut.part > 16 * MIB ? 'passed' : 'held');
    },
  );
});
