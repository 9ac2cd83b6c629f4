import { describe, expect, it } from 'vitest';
import { isAllowedHost, isLoopback, isSpecialHost } from '../../../src/tasks/addresses.ts';

describe('isLoopback', () => {
  it.each([
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '[::1]',
    '[::ffff:127.0.0.1]',
  ])('%s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    '',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    '128.0.0.1',
    '[::2]',
    '127.0.0',
    '127.0.0.256',
    ':::',
    '1::2::3',
  ])('not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('isSpecialHost', () => {
  it.each([
    ...['0.0.0.0', '10.255.0.1', '100.64.0.1', '169.254.169.254', '172.31.255.255', '192.168.1.1'],
    ...[
      '198.18.0.1',
      '203.0.113.9',
      '224.0.0.1',
      '255.255.255.255',
      '[::]',
      '[fe80::1]',
      '[fd12::1]',
    ],
    ...[
      '[ff02::1]',
      '[64:ff9b::a00:1]',
      '[2002:a00:1::]',
      '[::a00:1]',
      '[::ffff:a00:1]',
      '[2001:db8::1]',
    ],
  ])('%s', (host) => {
    expect(isSpecialHost(host)).toBe(true);
  });

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '[2606:4700::1111]',
    'example.org',
    '[::ffff:808:808]',
  ])('not %s', (host) => {
    expect(isSpecialHost(host)).toBe(false);
  });
});

describe('isAllowedHost', () => {
  it.each([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['10.1.2.3', ['10.1.2.3'], true],
    ['10.1.2.3', ['10.1.2.4', '11.0.0.0/8'], false],
    ['[fd00::1]', ['fd00::/8'], true],
    ['[fd00::1]', ['fd00::1'], true],
    ['[fd00::1]', ['10.0.0.0/8'], false],
    ['LOCALHOST.', ['localhost'], true],
    ['minio.internal', ['minio.internal'], true],
    ['x.minio.internal', ['minio.internal'], false],
    ['10.1.2.3', ['0.0.0.0/0'], true],
    ['10.1.2.3', ['10.0.0.0/x', '10.0.0.0/99', '/8', ''], false],
    ['10.1.2.3', [], false],
  ])('%s in %j: %s', (host, allowed, expected) => {
    expect(isAllowedHost(host, allowed)).toBe(expected);
  });
});
