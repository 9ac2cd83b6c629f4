import { describe, expect, it } from 'vitest';
import { isRecord } from '../../../src/kernel/json.ts';

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
