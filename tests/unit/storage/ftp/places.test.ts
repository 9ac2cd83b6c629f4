import { describe, expect, it } from 'vitest';
import { placeOf, urlBelow } from '../../../../src/storage/ftp/places.ts';

describe('placeOf', () => {
  it('reads host, port, path and user', () => {
    expect(placeOf('ftp://us%40er:p%3Aw@Data.example:2121/a%20b/%C3%A4?x', [])).toMatchObject({
      host: 'data.example',
      port: 2121,
      security: 'none',
      user: 'us@er',
      password: 'p:w',
      path: ['a b', 'ä?x'],
      absolute: false,
    });
  });

  it.each([
    ['ftp://h/x', 21, 'none'],
    ['ftp://h:80/x', 80, 'none'],
    ['ftps://h/x', 21, 'explicit'],
    ['ftps://h:2121/x', 2121, 'explicit'],
    ['ftps://h:990/x', 990, 'implicit'],
  ])('%s goes to port %i with security %s', (url, port, security) => {
    expect(placeOf(url, [])).toMatchObject({ port, security });
  });

  it('takes the login of the URL, of the configured host and port, of the host, or none', () => {
    const hosts = [
      { host: 'h', user: 'all', password: '1' },
      { host: 'h:2121', user: 'one', password: '2' },
    ];
    expect(placeOf('ftp://u:p@h/x', hosts)).toMatchObject({ user: 'u', password: 'p' });
    expect(placeOf('ftp://h:2121/x', hosts)).toMatchObject({ user: 'one', password: '2' });
    expect(placeOf('ftp://h/x', hosts)).toMatchObject({ user: 'all', password: '1' });
    expect(placeOf('ftp://other/x', hosts)).toMatchObject({ user: 'anonymous' });
  });

  it('decodes the path once', () => {
    expect(placeOf('ftp://h/%2541', []).path).toEqual(['%41']);
    expect(placeOf('ftp://h/%2Fetc/x', [])).toMatchObject({ path: ['etc', 'x'], absolute: true });
  });

  it.each([
    ...['ftp://h/a%0D%0ADELE%20x', 'ftp://h/a%00', 'ftp://u%0D:p@h/x', 'ftp://u:p%0A@h/x'],
    ...[
      'ftp://h/%FF',
      'ftp://h/..%2Fx',
      'ftp:///x',
      'http://h/x',
      'ftp://h:99999/x',
      'ftp://h/a\nb',
    ],
    ...['ftp://:x@one?@other/y', 'ftp://:x@one#@other/y', 'ftp://bob:12?pw@h/x', 'ftp://h?x'],
  ])('refuses %j without showing a password', (url) => {
    expect(() => placeOf(url, [])).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }));
  });

  it('resolves addresses in odd forms', () => {
    expect(placeOf('ftp://2130706433/x', []).host).toBe('127.0.0.1');
    expect(placeOf('ftp://[::1]/x', []).host).toBe('[::1]');
  });
});

describe('urlBelow', () => {
  it('appends encoded names', () => {
    expect(urlBelow('ftp://h/a', ['b c', 'd#?%'])).toBe('ftp://h/a/b%20c/d%23%3F%25');
    expect(urlBelow('ftp://h/a/', ['b'])).toBe('ftp://h/a/b');
  });
});
