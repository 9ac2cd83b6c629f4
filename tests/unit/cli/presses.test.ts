/** Ctrl-C counted: one press may arrive twice, a second press counts whenever it comes. */
import { describe, expect, it } from 'vitest';
import { createPresses } from '../../../src/cli/presses.ts';

const pressAt = (...times: readonly number[]): string => {
  const clock = { now: 0 };
  const said: string[] = [];
  const { press, stop, cancel } = createPresses({
    now: () => clock.now,
    endAtOnce: () => {
      said.push('ended');
    },
  });
  stop.addEventListener('abort', () => said.push('stopped'));
  cancel.addEventListener('abort', () => said.push('forced'));
  for (const time of times) {
    clock.now = time;
    press();
  }
  return said.at(-1) ?? 'runs';
};

describe('createPresses', () => {
  it.each([
    ['no press', [], 'runs'],
    ['one press', [5000], 'stopped'],
    ['one press handed on by npm', [5000, 5020], 'stopped'],
    ['a second press at once', [5000, 5150], 'forced'],
    ['a second press after a while', [5000, 6500], 'forced'],
    ['a second press much later', [5000, 65_000], 'forced'],
    ['two presses, both handed on', [5000, 5020, 6000, 6020], 'forced'],
    ['a third press', [5000, 6000, 7000], 'ended'],
    ['a key held down', [5000, 5030, 5060, 5090, 5120, 5150], 'stopped'],
  ])('%s', (_name, times, expected) => {
    expect(pressAt(...times)).toBe(expected);
  });
});
