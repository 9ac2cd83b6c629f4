/** Search entries: whatever matches a filter has the entries that the filter looks for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterKeys } from '../../src/tasks/filter.ts';
import { isIndexedPrefix, keysOf, prefixKey, tagKey, tagPair } from '../../src/tasks/keys.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const tags = fc.dictionary(fc.string({ maxLength: 12 }), text, { maxKeys: 5 });

describe('search entries', () => {
  it('T69: a name has the entry of each of its prefixes', () => {
    fc.assert(
      fc.property(text, fc.nat(100), (name, cut) => {
        const prefix = Array.from(name).slice(0, cut).join('');
        fc.pre(prefix !== '');
        expect(keysOf(name, undefined)).toContain(prefixKey(prefix));
      }),
    );
  });

  it('T69: a prefix that is indexed whole finds nothing but names that start with it', () => {
    fc.assert(
      fc.property(text, text, (name, prefix) => {
        fc.pre(isIndexedPrefix(prefix));
        expect(keysOf(name, undefined).includes(prefixKey(prefix))).toBe(name.startsWith(prefix));
      }),
    );
  });

  it('T71-T74: tags match by their entries exactly as they match by value', () => {
    fc.assert(
      fc.property(tags, fc.string({ maxLength: 12 }), text, (given, key, value) => {
        const keys = keysOf(undefined, given);
        expect(keys.includes(tagKey(key))).toBe(Object.hasOwn(given, key));
        expect(keys.includes(tagPair(key, value))).toBe(
          Object.hasOwn(given, key) && given[key] === value,
        );
      }),
    );
  });

  it('T78: a task has all entries of a filter made of its own name and tags', () => {
    fc.assert(
      fc.property(text, tags, (name, given) => {
        const wanted = filterKeys({
          name_prefix: name,
          tags: Object.entries(given).map(([key, value]) => ({ key, value })),
        });
        expect(keysOf(name, given)).toEqual(expect.arrayContaining([...wanted]));
      }),
    );
  });
});
