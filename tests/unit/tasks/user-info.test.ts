import { describe, expect, it } from 'vitest';
import { openUrl } from '../../../src/tasks/user-info.ts';

describe('the user information of a URL', () => {
  it.each([
    ['s3://AK:se/cret@host:9000/b/k', 'host:9000/b/k'],
    ['s3://AK:se/cret@minio/b/k@2', '2'], // what might be a host is taken for one: rather too much is cut than too little
    ['s3://AK:secret@minio:9000/b/k@2', 'minio:9000/b/k@2'],
    ['https://host/path@x/y', 'host/path@x/y'],
    ['https://host:8080/path@x/y', 'host:8080/path@x/y'],
    ['https://host?mail=a@b', 'host?mail=a@b'],
    ['ftp://u:p?a#b/c@d@h:21/f', 'h:21/f'],
    ['ftp://u:p@[::1]:21/f@x', '[::1]:21/f@x'],
    ['ftp://u:p@', ''],
    ['ftp://u:p/w@h h/f', 'h h/f'],
    ['http:///u:p@h/x', 'h/x'],
    ['mongodb://u:p@h1:1,h2:2/db', 'h1:1,h2:2/db'],
    ['file:///a@b', '/a@b'],
    ['file://u:p@h/a', 'h/a'],
    ['drs://prefix:accession', 'prefix:accession'],
  ])('%s → %s', (url, rest) => {
    expect(openUrl(url)?.rest).toBe(rest);
  });

  it.each(['/a://b@c', 'u:p@h', ''])('%s is no URL with one', (text) => {
    expect(openUrl(text)).toBeUndefined();
  });
});
