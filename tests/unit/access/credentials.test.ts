/** What clients send as credentials. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCredential } from '../../../src/access/credentials.ts';

const read = (authorization: string | undefined, token?: string) =>
  readCredential({ authorization, token });

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('readCredential', () => {
  it.each([
    [undefined, { kind: 'absent' }],
    ['Basic Tm9uZTpOb25l', { kind: 'basic', user: 'None', password: 'None' }],
    ['Basic Og==', { kind: 'basic', user: '', password: '' }],
    [basic('a:b:c'), { kind: 'basic', user: 'a', password: 'b:c' }],
    [basic('ä:ö😀'), { kind: 'basic', user: 'ä', password: 'ö😀' }],
    ['bAsIc   Og==', { kind: 'basic', user: '', password: '' }],
    [basic('nocolon'), { kind: 'unreadable' }],
    ['Bearer abc.def.ghi', { kind: 'bearer', token: 'abc.def.ghi' }],
    ['bearer x', { kind: 'bearer', token: 'x' }],
    ['mag_1', { kind: 'bearer', token: 'mag_1' }],
    ['Bearer a b', { kind: 'unreadable' }],
    ['Bearer ä', { kind: 'unreadable' }],
    ['Digest x', { kind: 'unreadable' }],
    ['constructor x', { kind: 'unreadable' }],
    ['', { kind: 'unreadable' }],
  ])('%j', (authorization, wanted) => {
    expect(read(authorization)).toEqual(wanted);
  });

  it('takes the token in its own place before Authorization', () => {
    expect(read('Basic Og==', 'tok')).toEqual({ kind: 'bearer', token: 'tok' });
    expect(read('Basic Og==', '')).toEqual({ kind: 'unreadable' });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        read(text);
        read(`Basic ${text}`);
        read(undefined, text);
      }),
    );
  });
});
