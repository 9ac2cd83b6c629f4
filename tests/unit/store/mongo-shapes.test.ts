/** Each query of an owner or a group on MongoDB has an index that finds it and yields it in order. */
import { describe, expect, it } from 'vitest';
import { TASK_INDEXES } from '../../../src/store/mongo/collections.ts';
import { listFilter, scopeFilter } from '../../../src/store/mongo/lists.ts';
import { runningOf } from '../../../src/store/mongo/places.ts';
import { USAGE_FILTERS } from '../../../src/store/mongo/reads.ts';
import { parseOwnerId } from '../../../src/tasks/ids.ts';

const me = parseOwnerId('me');

/** Whether an index begins with these fields and goes on with the newest first. */
const isIndexed = (fields: readonly string[]): boolean =>
  TASK_INDEXES.some(({ key }) => {
    const names = Object.keys(key);
    const start = names.slice(0, fields.length);
    return (
      start.length === fields.length &&
      fields.every((field) => start.includes(field)) &&
      names[fields.length] === '_id' &&
      key['_id'] === -1
    );
  });

describe('indexes of ownership', () => {
  it('yields the tasks of an owner, and of each group, newest first', () => {
    expect(scopeFilter({ owner: me })).toEqual({ owner: me });
    const { $or: clauses = [] } = scopeFilter({ owner: me, groups: ['lab', 'team'] });
    expect(clauses).toEqual([{ owner: me }, { groups: 'lab' }, { groups: 'team' }]);
    for (const clause of clauses) expect(isIndexed(Object.keys(clause))).toBe(true);
  });

  it('keeps the scope beside every other condition', () => {
    const filter = { tags: [{ key: 'k' }], state: 'QUEUED', name_prefix: 'abcde' } as const;
    const scope = { owner: me, groups: ['lab'] };
    const found = listFilter({ scope, filter, limit: 1 });
    expect(Object.keys(found).sort()).toEqual(['$or', 'keys', 'name', 'state']);
    expect(found.$or).toEqual([{ owner: me }, { groups: 'lab' }]);
  });

  it('counts the tasks of an owner in an index', () => {
    for (const filter of Object.values(USAGE_FILTERS)) {
      expect(isIndexed(['owner', ...Object.keys(filter)])).toBe(true);
    }
  });

  it('finds what runs for an owner in an index', () => {
    expect(isIndexed(Object.keys(runningOf([me])))).toBe(true);
  });
});
