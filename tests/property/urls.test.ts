/** Paths and URLs of clients: containment by segment, nothing secret shown. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filePathsOf, isBelow, redactUrl } from '../../src/tasks/urls.ts';

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
