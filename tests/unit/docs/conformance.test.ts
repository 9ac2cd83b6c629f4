/** docs/conformance.md has a row for each number, and each test it names is there and speaks of the number. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../src/conformance/catalogue.ts';

const inRoot = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const text = readFileSync(inRoot('docs/conformance.md'), 'utf8');

interface Row {
  readonly id: string;
  readonly what: string;
  readonly heldBy: string;
}

const ROWS: readonly Row[] = [...text.matchAll(/^\| ([TC]\d+) \| (.*) \| (.*) \|$/gm)].map(
  ([, id = '', what = '', heldBy = '']) => ({ id, what, heldBy }),
);

const TEST = /`([^`]+\.(?:test\.ts|py))`(?: "([^"]+)")?/g;

const testsOf = ({ heldBy }: Row) =>
  [...heldBy.matchAll(TEST)].map(([, name = '', title]) => ({
    path: name.startsWith('runner/') ? name : `tests/${name}`,
    title,
  }));

const NUMBERS = /(?<![A-Za-z0-9])([TC])(\d{1,2})(?:-[TC]?(\d{1,2}))?(?![0-9])/g;

/** A head such as "T1-T12" is a promise; titles and tables of tests count. */
const withoutComments = (source: string): string =>
  source.replaceAll(/^\s*\/\*\*.*?\*\//gms, '').replaceAll(/(^|\s)\/\/.*$/gm, '');

/** Numbers that the tests of a source name, ranges such as `T71-T76` included. */
const named = (source: string): ReadonlySet<string> => {
  const found = [...withoutComments(source).matchAll(NUMBERS)].flatMap(
    ([, letter = '', first = '', last = first]) =>
      Array.from(
        { length: Math.max(0, Number(last) - Number(first)) + 1 },
        (_, n) => `${letter}${String(Number(first) + n)}`,
      ),
  );
  return new Set(found);
};

const numbers = (letter: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${letter}${String(n + 1)}`);

describe('docs/conformance.md', () => {
  it('has one row for each of T1-T96 and C1-C40, in order', () => {
    expect(ROWS.map(({ id }) => id)).toEqual([...numbers('T', 96), ...numbers('C', 40)]);
  });

  it('is tried from outside up to T84', () => {
    expect(CATALOGUE.map(({ id }) => id)).toEqual(numbers('T', 84));
  });

  it.each(ROWS.map((row) => [row.id, row] as const))(
    '%s names its test, or what it waits for',
    (id, row) => {
      const tests = testsOf(row);
      expect(tests.length > 0 || row.heldBy.startsWith('waits for ')).toBe(true);
      for (const { path, title } of tests) {
        expect(existsSync(inRoot(path)), path).toBe(true);
        const source = readFileSync(inRoot(path), 'utf8');
        expect(title === undefined ? named(source).has(id) : source.includes(title), path).toBe(
          true,
        );
      }
    },
  );
});
