/** Paths and URLs of clients: containment by segment, nothing secret shown. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filePathsOf, isBelow, redactUrl, safeUrl } from '../../src/tasks/urls.ts';
import { openUrl } from '../../src/tasks/user-info.ts';

const segment = fc
  .stringMatching(/^[a-zA-Z0-9 ._%+-]{1,12}$/)
  .filter((text) => !/^\.+$/.test(text));

const absolutePath = fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);

describe('isBelow', () => {
  it('agrees with the relative path', () => {
    fc.assert(
      fc.property(absolutePath, absolutePath, (given, root) => {
        const relative = path.posix.relative(root, given);
        expect(isBelow(given, root)).toBe(relative !== '..' && !relative.startsWith('../'));
      }),
    );
  });

  it('holds for what is joined below and not for a name that only starts alike', () => {
    fc.assert(
      fc.property(absolutePath, segment, segment, (root, name, tail) => {
        expect(isBelow(`${root}/${name}`, root)).toBe(true);
        expect(isBelow(`${root}/${name}${tail}`, `${root}/${name}`)).toBe(false);
      }),
    );
  });
});

describe('filePathsOf', () => {
  it('gives the literal path first and only absolute ones', () => {
    fc.assert(
      fc.property(absolutePath, (given) => {
        expect(filePathsOf(given)).toEqual([given]);
        const paths = filePathsOf(`file://${given}`);
        expect(paths[0]).toBe(given);
        expect(paths.every((one) => one.startsWith('/'))).toBe(true);
      }),
    );
  });

  it('finds the path that a client percent-encoded', () => {
    fc.assert(
      fc.property(absolutePath, (given) => {
        expect(filePathsOf(`file://${encodeURI(given)}`)).toContain(given);
      }),
    );
  });
});

describe('redactUrl', () => {
  const secret = fc.stringMatching(/^[A-Z]{8,16}$/);

  it('shows neither user, password, query nor fragment', () => {
    const scheme = fc.constantFrom('http', 'https', 'ftp', 's3');
    fc.assert(
      fc.property(scheme, secret, absolutePath, (name, hidden, place) => {
        const host = 'host.example.org';
        const clean = place.replaceAll('%', '');
        const url = `${name}://${hidden}:${hidden}@${host}${clean}?token=${hidden}#${hidden}`;
        expect(redactUrl(url)).toBe(`${name}://${host}${clean}`);
      }),
    );
  });

  it('stays as it is when done twice', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        expect(redactUrl(redactUrl(url))).toBe(redactUrl(url));
      }),
    );
  });
});

describe('user information', () => {
  const scheme = fc.constantFrom('http', 'https', 'ftp', 'ftps', 's3');
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.constantFrom('minio', 'localhost'),
  );
  const port = fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined });
  const place = fc
    .tuple(host, port)
    .map(([name, number]) => (number === undefined ? name : `${name}:${String(number)}`));
  /** A path whose `@` is followed by nothing that could be a host, or by anything. */
  const pathOf = (names: fc.Arbitrary<string>) =>
    fc.array(names, { maxLength: 4 }).map((all) => all.map((name) => `/${name}`).join(''));
  const plainPath = pathOf(fc.stringMatching(/^[\w .~%-]{1,8}$/));
  const anyPath = pathOf(fc.stringMatching(/^[\w@:.-]{1,8}$/));
  const raw = fc.stringMatching(/^[A-Za-z0-9/?#@:+=%!-]{1,16}$/);

  it('is found whatever its password holds', () => {
    fc.assert(
      fc.property(scheme, raw, place, plainPath, (name, password, at, path) => {
        // with an `@` before the first of `/?#` it is well formed, and all readers of URLs end it there
        fc.pre(!/^[^/?#]*@[^/?#]*[/?#]/.test(password));
        const url = `${name}://user:x${password}@${at}${path}`; // x: digits would be a port
        expect(openUrl(url)?.rest).toBe(`${at}${path}`);
      }),
    );
  });

  it('ends where every reader of URLs ends it, when these can read it; an @ in the path is none of it', () => {
    const user = fc.stringMatching(/^[A-Za-z0-9:+=!@-]{1,12}$/);
    fc.assert(
      fc.property(scheme, user, place, anyPath, (name, before, at, path) => {
        expect(openUrl(`${name}://${before}@${at}${path}`)?.rest).toBe(`${at}${path}`);
        expect(openUrl(`${name}://${at}${path}`)?.rest).toBe(`${at}${path}`);
      }),
    );
  });

  it('leaves nothing before the host that WHATWG URLs connect to', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9/?#@:.[\]%-]{1,24}$/), (text) => {
        const url = `http://${text}`;
        fc.pre(URL.canParse(url) && /^http:\/\/[^/?#]/.test(url));
        const [authority = ''] = /^[^/?#]*/.exec(openUrl(url)?.rest ?? '') ?? [];
        if (/^[^/?#]*@/.test(text))
          expect(new URL(`http://${authority}`).host).toBe(new URL(url).host);
        expect(authority).not.toContain('@');
      }),
    );
  });

  it('is cut once: what is safe stays as it is', () => {
    const any = fc.stringMatching(/^[ab1/?#@:.,[\] %\\-]{0,24}$/);
    fc.assert(
      fc.property(fc.constantFrom('http', 'ftp', 's3', 'file'), any, (name, text) => {
        const safe = safeUrl(`${name}://${text}`);
        expect(safeUrl(safe)).toBe(safe);
        const shown = redactUrl(safe);
        expect(redactUrl(shown)).toBe(shown);
      }),
    );
  });
});
