import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createDigestCheck, offeredDigest } from '../../../../src/storage/connect/digests.ts';

const of = (hash: string): string => createHash(hash).update('hello').digest('base64');
const offered = (headers: Readonly<Record<string, string>>): string | undefined =>
  offeredDigest((name) => headers[name])?.algorithm;

describe('offeredDigest', () => {
  it.each<[Readonly<Record<string, string>>, string | undefined]>([
    [{ digest: `md5=${of('md5')},SHA-256=${of('sha256')}` }, 'sha-256'],
    [{ digest: `md5=${of('md5')}`, 'repr-digest': `sha-512=:${of('sha512')}:` }, 'sha-512'],
    [{ 'content-digest': ` sha-256=:${of('sha256')}: ;q=1 , x` }, 'sha-256'],
    [{ 'content-md5': of('md5') }, 'md5'],
    [{ digest: 'adler32=03da0195' }, undefined],
    [{ digest: 'md5=5d41402abc4b2a76b9719d911017c592' }, undefined], // hexadecimal
    [{ digest: 'sha-256=:x', 'repr-digest': 'sha-256', 'content-md5': '' }, undefined],
    [{ digest: `constructor=${of('md5')}` }, undefined],
    [{}, undefined],
  ])('%j offers %s', (headers, algorithm) => {
    expect(offered(headers)).toBe(algorithm);
  });
});

describe('createDigestCheck', () => {
  it.each(['sha-512', 'sha-256', 'md5'])('tells by %s whether the bytes are the same', (name) => {
    const value = Buffer.from(of(name.replace('-', '')), 'base64');
    for (const [text, isSame] of [
      ['hello', true],
      ['hellO', false],
    ] as const) {
      const check = createDigestCheck({ algorithm: name, value });
      check.take(Buffer.from(text.slice(0, 2)));
      check.take(Buffer.from(text.slice(2)));
      expect(check.holds()).toBe(isSame);
    }
  });
});
