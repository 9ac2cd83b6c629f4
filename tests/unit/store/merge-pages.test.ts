/** Pages of several lists as one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { mergePages } from '../../../src/store/merge-pages.ts';
import { newTaskId, type TaskId } from '../../../src/tasks/ids.ts';
import type { Page } from '../../../src/tasks/ports/task-store.ts';

const ids = createIdSource(() => 1);
const ALL: readonly TaskId[] = Array.from({ length: 30 }, () => newTaskId(ids));

/** A page that looks at `depth` entries, as a store may end one early. */
const pageOf = (
  list: readonly TaskId[],
  before: TaskId | undefined,
  { limit, depth }: { readonly limit: number; readonly depth: number },
): Page<{ readonly id: TaskId }> => {
  const rest = list.filter((id) => before === undefined || id < before).toReversed();
  const items = rest.slice(0, Math.min(limit, depth)).map((id) => ({ id }));
  const last = rest.length > items.length ? rest[items.length - 1] : undefined;
  return last === undefined ? { items } : { items, last };
};

describe('mergePages', () => {
  it('walks everything once and in order, wherever each list ends a page', () => {
    const list = fc.subarray([...ALL]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(list, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 6 }),
        (lists, limit) => {
          const found: TaskId[] = [];
          let before: TaskId | undefined;
          for (let pages = 0; pages < 200; pages += 1) {
            const merged = mergePages(
              lists.map(([one, depth]) => pageOf(one, before, { limit, depth })),
              limit,
            );
            expect(merged.items.length).toBeLessThanOrEqual(limit);
            found.push(...merged.items.map(({ id }) => id));
            before = merged.last;
            if (before === undefined) break;
          }
          const wanted = ALL.filter((id) => lists.some(([one]) => one.includes(id))).toReversed();
          expect(before).toBeUndefined();
          expect(found).toEqual(wanted);
        },
      ),
    );
  });
});
