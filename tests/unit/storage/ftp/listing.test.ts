import { describe, expect, it } from 'vitest';
import { readListing, UnusableListing } from '../../../../src/storage/ftp/listing.ts';

describe('readListing', () => {
  it('reads the facts of MLSD, and claims no size that was not told', () => {
    const text = [
      'type=cdir;modify=20200101000000; /home',
      'type=pdir;; ..',
      'Type=file;Size=12;Modify=20200101000000;  two words ',
      'type=file;modify=20200101000000; a;b=c',
      'type=dir;sizd=4096; folder',
      'type=OS.unix=slink:/elsewhere;size=9; link',
    ].join('\r\n');
    expect(readListing(text)).toEqual([
      { name: ' two words ', kind: 'file', size: 12 },
      { name: 'a;b=c', kind: 'file' },
      { name: 'folder', kind: 'folder' },
      { name: 'link', kind: 'unclear' },
    ]);
  });

  it('reads lists of Unix and DOS', () => {
    const text = [
      'total 12',
      'drwxr-xr-x    2 0        0            4096 Jan 01 10:00 ..',
      '-rw-r--r--    1 1000     1000           17 Feb  3  2021 a -> b',
      'lrwxrwxrwx    1 0        0               7 Jan 01 10:00 now -> release',
      '12-05-20  05:03PM       <DIR>          My Folder',
    ].join('\n');
    expect(readListing(text)).toEqual([
      { name: 'a -> b', kind: 'file', size: 17 },
      { name: 'now', kind: 'unclear' },
      { name: 'My Folder', kind: 'folder' },
    ]);
  });

  it('reads nothing from nothing', () => {
    expect(readListing('\r\n')).toEqual([]);
  });

  it.each([
    ' only a name',
    'brw-r--r-- what',
    'type=file; a/b',
    'type=file; a\u0000b',
    'type=file; a\rb',
    'type=file; \uFFFD',
    '-rw-r--r-- 1 o g 1 Jan 01 10:00 a\u2028b',
  ])('refuses the whole list for the line %j', (line) => {
    const text = `type=file;size=1; good\r\n${line}\r\n`;
    expect(() => readListing(text)).toThrow(UnusableListing);
  });
});
