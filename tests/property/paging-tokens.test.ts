/** Page tokens: come back as they went out, for their own filter and owner only. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPageToken, parsePageToken, type TaskFilter } from '../../src/tasks/filter.ts';
import { parseOwnerId, parseTaskId, type TaskId } from '../../src/tasks/ids.ts';
import { TASK_STATES } from '../../src/tasks/states.ts';

const idOf = (text: string): TaskId => {
  const id = parseTaskId(text);
  if (id === undefined) throw new Error(text);
  return id;
};

const taskId = fc
  .array(fc.constantFrom(...'0123456789abcdefghjkmnpqrstvwxyz'), { minLength: 26, maxLength: 26 })
  .map((chars) => idOf(chars.join('')));

const text = fc.string({ unit: 'grapheme', maxLength: 20 });

const filter: fc.Arbitrary<TaskFilter> = fc.record(
  {
    name_prefix: text,
    state: fc.constantFrom(...TASK_STATES),
    tags: fc.array(fc.record({ key: text, value: text }, { requiredKeys: ['key'] }), {
      maxLength: 3,
    }),
  },
  { requiredKeys: ['tags'] },
);

const owner = fc.option(text.map(parseOwnerId), { nil: undefined });

/** An absent prefix and an empty one ask for the same. */
const same = (a: TaskFilter, b: TaskFilter): boolean =>
  JSON.stringify([a.name_prefix ?? '', a.state, a.tags]) ===
  JSON.stringify([b.name_prefix ?? '', b.state, b.tags]);

describe('page tokens', () => {
  it('T65: come back as they went out, in characters that need no escaping', () => {
    fc.assert(
      fc.property(taskId, filter, owner, (id, wanted, who) => {
        const token = newPageToken(id, wanted, who);
        expect(token).toMatch(/^[\w-]+$/);
        expect(parsePageToken(token, wanted, who)).toBe(id);
      }),
    );
  });

  it('T68, T78: are refused with other filters or another owner', () => {
    fc.assert(
      fc.property(taskId, filter, filter, owner, owner, (id, one, other, who, somebody) => {
        fc.pre(!same(one, other) || who !== somebody);
        const token = newPageToken(id, one, who);
        expect(() => parsePageToken(token, other, somebody)).toThrow(
          expect.objectContaining({ code: 'BAD_PAGE_TOKEN' }),
        );
      }),
    );
  });

  it('T68: garbage is refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), filter, (garbage, wanted) => {
        expect(() => parsePageToken(garbage, wanted, undefined)).toThrow(
          expect.objectContaining({ code: 'BAD_PAGE_TOKEN' }),
        );
      }),
    );
  });
});
