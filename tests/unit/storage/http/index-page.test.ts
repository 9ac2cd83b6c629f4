import { describe, expect, it } from 'vitest';
import { readIndex } from '../../../../src/storage/http/index-page.ts';

const BASE = new URL('http://data.example/tree/');
const html = (page: string) =>
  readIndex(page, 'html', BASE).map(({ kind, name }) => `${kind} ${name}`);

describe('readIndex', () => {
  it('reads the page of nginx', () => {
    const page = `<h1>Index of /tree/</h1><hr><pre><a href="../">../</a>
<a href="inner/">inner/</a>   21-Nov-2026 10:00   -
<a href="two%20words">two words</a>   21-Nov-2026 10:00   5
</pre>`;
    expect(html(page)).toEqual(['folder inner', 'file two words']);
  });

  it('reads the page of Apache, with its orders and its parent', () => {
    const page = `<tr><th><a href="?C=N;O=D">Name</a></th></tr>
<tr><td><a href="/">Parent Directory</a></td></tr>
<tr><td><a href="a&amp;b.txt">a&amp;b.txt</a></td></tr><tr><td><A HREF='/tree/c/'>c/</A></td></tr>`;
    expect(html(page)).toEqual(['file a&b.txt', 'folder c']);
  });

  it('reads the page of Python', () => {
    const page = `<ul><li><a href="%C3%A4%27%22.txt">ä</a></li><li><a href="d/">d/</a></li></ul>`;
    expect(html(page)).toEqual([`file ä'".txt`, 'folder d']);
  });

  it('takes each name once, and nothing that leads elsewhere', () => {
    const links = [
      ...['x', './x', 'http://data.example/tree/x', 'x/y', '//other.example/tree/z', '../z', '/z'],
      ...['https://data.example/tree/z', 'javascript:alert(1)', 'mailto:a@b', 'x?y', '#x', '', '.'],
    ];
    expect(html(links.map((link) => `<a class="n" href="${link}">l</a>`).join(''))).toEqual([
      'file x',
    ]);
  });

  it.each(['a%2Fb', '%00', '%FF', '%2e%2e%2fx'])('refuses the name %s', (link) => {
    expect(() => html(`<a href="${link}">l</a>`)).toThrow(/not usable/);
  });

  it('reads the list of nginx in JSON', () => {
    const page = JSON.stringify([
      { name: 'inner', type: 'directory', mtime: 'x' },
      { name: 'a#b?', type: 'file', size: 5 },
      { name: 7 },
      null,
    ]);
    expect(readIndex(page, 'json', BASE)).toEqual([
      { kind: 'folder', name: 'inner', url: 'http://data.example/tree/inner/' },
      { kind: 'file', name: 'a#b?', url: 'http://data.example/tree/a%23b%3F', size: 5 },
    ]);
    expect(() => readIndex('{}', 'json', BASE)).toThrow(/no list/);
  });

  it('reads a large page of half-open links in no time', () => {
    expect(html('<a '.repeat(200_000))).toEqual([]);
    expect(html('<a href="'.repeat(200_000))).toEqual([]);
  });
});
