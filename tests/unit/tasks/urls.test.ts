import { describe, expect, it } from 'vitest';
import {
  filePathsOf,
  hasDotDot,
  isBelow,
  outputPathOf,
  redactUrl,
  safeUrl,
  schemeOf,
} from '../../../src/tasks/urls.ts';

describe('schemeOf', () => {
  it.each([
    ['/a', 'file'],
    ['FILE:///a', 'file'],
    ['HTTP://x', 'http'],
    ['s3://b/k', 's3'],
    ['relative', undefined],
    ['', undefined],
  ])('%s → %s', (url, scheme) => {
    expect(schemeOf(url)).toBe(scheme);
  });
});

describe('filePathsOf', () => {
  it.each([
    ['/a b%20c', ['/a b%20c']],
    ['file:///a%20b', ['/a%20b', '/a b']],
    ['file:///a 1%.txt', ['/a 1%.txt']],
    ['file://localhost/x', ['/x']],
    ['file://elsewhere/x', []],
    ['file:relative', []],
  ])('%s → %j', (url, paths) => {
    expect(filePathsOf(url)).toEqual(paths);
  });
});

describe('outputPathOf', () => {
  it.each([
    ['/out/a%20b', '/out/a%20b'],
    ['file:///out/a%20b', '/out/a b'],
    ['file:///out/a 1%20b', '/out/a 1%20b'],
    ['file:///out/100%', '/out/100%'],
    ['ftp://x/y', undefined],
  ])('%s → %s', (url, path) => {
    expect(outputPathOf(url)).toBe(path);
  });
});

describe('isBelow', () => {
  it.each([
    ['/data', '/data', true],
    ['/data/x', '/data/', true],
    ['/database', '/data', false],
    ['/dat', '/data', false],
    ['/anything', '/', true],
  ])('%s in %s: %s', (path, root, below) => {
    expect(isBelow(path, root)).toBe(below);
  });
});

describe('redactUrl', () => {
  it.each([
    ['https://user:pw@host:1/p?sig=1#f', 'https://host:1/p'],
    ['s3://key:se@cret@host/b/k', 's3://host/b/k'],
    ['http://host?token=1', 'http://host'],
    ['http://a?x=user@b/c', 'http://a'],
    ['/plain/path', '/plain/path'],
    ['file:///a@b?c#d', 'file:///a@b?c#d'],
    ['no URL: a@b', 'no URL: a@b'],
  ])('%s → %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});

describe('safeUrl', () => {
  it.each([
    ['https://user:pw@host:1/p?sig=1#f', 'https://host:1/p'],
    ['HTTPS://host/p?sig=1', 'HTTPS://host/p'],
    [
      `https://host/p?sig=1#x#sha256=${'aB'.repeat(32)}`,
      `https://host/p#sha256=${'aB'.repeat(32)}`,
    ],
    [`https://host/p#sha256=${'a'.repeat(63)}`, 'https://host/p'],
    ['s3://AK:se/cret@host:9000/b/k?x#y', 's3://host:9000/b/k?x#y'],
    ['ftp://user:pw@host/what?', 'ftp://host/what?'],
    ['file://user:pw@host/x?', 'file://host/x?'],
    ['/plain/path?x@y', '/plain/path?x@y'],
  ])('%s → %s', (url, safe) => {
    expect(safeUrl(url)).toBe(safe);
  });
});

it('finds .. only as a whole segment', () => {
  expect(hasDotDot('/a/../b')).toBe(true);
  expect(hasDotDot('/a/..b')).toBe(false);
});
