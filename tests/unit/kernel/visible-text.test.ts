import { describe, expect, it } from 'vitest';
import { visible } from '../../../src/kernel/visible-text.ts';

describe('visible', () => {
  it.each([
    ['plain näme 😀', 'plain näme 😀'],
    ['\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['two\nlines', 'two\\u{a}lines'],
    ['\u202Egnp.exe', '\\u{202e}gnp.exe'],
    ['\u009b31m', '\\u{9b}31m'],
  ])('shows %j as %j', (given, shown) => {
    expect(visible(given)).toBe(shown);
  });
});
