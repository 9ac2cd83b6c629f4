/** Names of files: whatever is stored under some names is listed and read under the same ones, and nothing else is touched. */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileStorage } from '../../src/storage/file/file-storage.ts';
import { urlBelow } from '../../src/tasks/urls.ts';

const call = { signal: new AbortController().signal };
const text = (value: string) => Readable.from([Buffer.from(value)]);

const collect = async (body: Readable): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces).toString();
};

const NASTY = [
  '..a',
  'a..',
  '...',
  '%41',
  '%2e%2e',
  '%2541',
  '%',
  '#',
  '?a=b',
  '"',
  "'",
  'a\nb',
  ' ',
  '\\',
  '-',
  '日本',
];

const name = fc
  .oneof(
    fc.constantFrom(...NASTY),
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    fc.string({
      minLength: 1,
      maxLength: 6,
      unit: fc.constantFrom('%', '2', '5', '4', '1', '.', ' ', 'a'),
    }),
  )
  .filter((one) => one !== '.' && one !== '..' && !/[/\0]/.test(one));

/** Files of one tree: no name of a file is that of a folder as well. */
const tree = fc
  .uniqueArray(fc.array(name, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 8,
    selector: (names) => names.join('/'),
  })
  .map((paths) => {
    const isFolder = (path: string) =>
      paths.some((other) => other.join('/').startsWith(`${path}/`));
    return paths.filter((path) => !isFolder(path.join('/')));
  });

describe('files below a root', () => {
  let top: string;
  beforeAll(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'magnetar-test-')));
  });
  afterAll(() => {
    rmSync(top, { recursive: true, force: true });
  });

  it.each(['plain paths', 'file:// URLs'])('keep bytes and names, %s', async (spelling) => {
    let last = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (paths) => {
        const place = join(top, `${spelling.slice(0, 4)}${String((last += 1))}`);
        const root = join(place, 'root');
        mkdirSync(root, { recursive: true });
        writeFileSync(join(place, 'beside'), 'untouched');
        const base = spelling === 'plain paths' ? root : `file://${root}`;
        const storage = createFileStorage({ read: [root], write: [root], stallMs: 20_000 });
        for (const path of paths) {
          await storage.write(urlBelow(base, path), text(JSON.stringify(path)), call);
        }
        const found: (readonly string[])[] = [];
        for await (const { kind, path, url } of storage.list(base, call)) {
          if (kind === 'folder') continue;
          found.push(path);
          expect(await collect((await storage.read(url, call)).body)).toBe(JSON.stringify(path));
        }
        const keys = (all: readonly (readonly string[])[]) =>
          all.map((one) => JSON.stringify(one)).sort();
        expect(keys(found)).toEqual(keys(paths));
        expect(readdirSync(place).sort()).toEqual(['beside', 'root']);
      }),
      { numRuns: 50 },
    );
    expect(readdirSync(top).every((one) => /^(plai|file)\d+$/.test(one))).toBe(true);
  });
});
