import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { isMagnetarError } from '../../../src/kernel/errors.ts';
import { NO_OWNER, parseOwnerId } from '../../../src/tasks/ids.ts';
import { alone, onceOf, type Request } from '../../../src/tasks/repeats.ts';

const print = (text: string) => `<${text}>`;
const OFF = { windowMs: 0, now: 1000, print };
const ON = { windowMs: 5000, now: 1000, print };

const of = (change: Partial<Request> = {}, time = OFF) =>
  onceOf({ owner: NO_OWNER, body: { a: 1, b: [{ c: 2, d: 3 }] }, key: 'k', ...change }, time);

const withoutKey = (change: Partial<Request> = {}) =>
  onceOf({ owner: NO_OWNER, body: { a: 1 }, ...change }, ON);

describe('recognising a creation', () => {
  it('keeps a key for 24 hours, a body for the window, and nothing without either', () => {
    expect(of()).toMatchObject({ at: 1000, until: 86_401_000 });
    expect(of({}, ON)?.until).toBe(86_401_000);
    expect(withoutKey()).toMatchObject({ at: 1000, until: 6000 });
    expect(onceOf({ owner: NO_OWNER, body: {} }, OFF)).toBeUndefined();
  });

  it('tells keys, owners, and keys from bodies apart', () => {
    const keys = [
      of(),
      of({ key: 'l' }),
      of({ owner: parseOwnerId('ann') }),
      of({ owner: parseOwnerId('bob') }),
      of({ owner: parseOwnerId('ann","key","k') }),
      withoutKey(),
      withoutKey({ owner: parseOwnerId('ann') }),
      withoutKey({ body: { a: 2 } }),
      of({ key: withoutKey()?.print ?? '' }),
    ].map((once) => once?.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('compares bodies by their values: members may come in any order, items may not', () => {
    const printOf = (body: unknown) => of({ body })?.print;
    expect(printOf({ b: [{ d: 3, c: 2 }], a: 1 })).toBe(of()?.print);
    const others = [
      { a: 1, b: [{ c: 2, d: 4 }] },
      { a: 1, b: [{ c: 2, d: '3' }] },
      { a: 1, b: { 0: { c: 2, d: 3 } } },
      { a: 1 },
      [['a', 1]],
      { a: [['b', 1]] },
      { a: { b: 1 } },
      { b: [1, 2] },
      { b: [2, 1] },
    ].map(printOf);
    expect(new Set([...others, of()?.print]).size).toBe(others.length + 1);
  });
});

describe('alone', () => {
  it('refuses a second one of the name until the first has ended, well or not', async () => {
    const names = new Set<string>();
    const go = createDeferred<string>();
    const first = alone(names, 'a', () => go.promise);
    const second = await alone(names, 'a', () => Promise.resolve('')).catch((e: unknown) => e);
    expect(isMagnetarError(second, 'KEY_IN_USE')).toBe(true);
    expect(await alone(names, 'b', () => Promise.resolve('other'))).toBe('other');
    go.resolve('done');
    expect(await first).toBe('done');
    const failure = () => Promise.reject(new Error('x'));
    await expect(alone(names, 'a', failure)).rejects.toThrow('x');
    expect(await alone(names, 'a', () => Promise.resolve('again'))).toBe('again');
  });
});
