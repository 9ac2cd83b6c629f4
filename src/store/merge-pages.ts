/** Pages of several lists, such as an owner's and those of groups, as one page. */
import type { TaskId } from '../tasks/ids.ts';
import type { Page } from '../tasks/ports/task-store.ts';

const newestFirst = (a: { readonly id: TaskId }, b: { readonly id: TaskId }): number =>
  Number(a.id < b.id) - Number(a.id > b.id);

/** Complete only as far back as every list has been looked at: what lies beyond is left to the next page. */
export const mergePages = <Item extends { readonly id: TaskId }>(
  pages: readonly Page<Item>[],
  limit: number,
): Page<Item> => {
  const seenTo = pages
    .flatMap(({ last }) => last ?? [])
    .sort()
    .at(-1);
  const each = new Map(pages.flatMap(({ items }) => items).map((item) => [item.id, item]));
  const complete = [...each.values()]
    .filter(({ id }) => seenTo === undefined || id >= seenTo)
    .sort(newestFirst);
  const items = complete.slice(0, limit);
  const last = complete.length > limit ? items.at(-1)?.id : seenTo;
  return last === undefined ? { items } : { items, last };
};
