/** List queries as MongoDB filters: owner, keys and state are found by index, newest first by id. */
import type { Filter } from 'mongodb';
import { filterKeys } from '../../tasks/filter.ts';
import { isIndexedPrefix } from '../../tasks/keys.ts';
import type { ListRequest, Scope } from '../../tasks/ports/task-store.ts';
import type { TaskDocument } from './documents.ts';

/** One clause for the owner and each group: every one has an index that yields its tasks in order, so that the database merges them. */
export const scopeFilter = (scope: Scope): Filter<TaskDocument> => {
  if (scope === 'all') return {};
  const { owner, groups = [] } = scope;
  return groups.length === 0
    ? { owner }
    : { $or: [{ owner }, ...groups.map((group) => ({ groups: group }))] };
};

const LAST = 0x10ffff;
const SURROGATES = { first: 0xd800, after: 0xe000 } as const;

/** The least text that sorts after every text with this prefix; undefined when there is none. */
export const afterPrefix = (prefix: string): string | undefined => {
  const points = Array.from(prefix, (point) => point.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  const next = last + 1 === SURROGATES.first ? SURROGATES.after : last + 1;
  return String.fromCodePoint(...points, next);
};

/** A range, so that no character is special; needed only where no search entry covers the prefix whole. */
const prefixFilter = (prefix: string): Filter<TaskDocument> => {
  if (prefix === '' || isIndexedPrefix(prefix)) return {};
  const after = afterPrefix(prefix);
  return { name: after === undefined ? { $gte: prefix } : { $gte: prefix, $lt: after } };
};

export const listFilter = ({ scope, filter, before }: ListRequest): Filter<TaskDocument> => {
  const keys = [...new Set(filterKeys(filter))];
  return {
    ...scopeFilter(scope),
    ...(filter.state === undefined ? {} : { state: filter.state }),
    ...(keys.length === 0 ? {} : { keys: { $all: keys } }),
    ...prefixFilter(filter.name_prefix ?? ''),
    ...(before === undefined ? {} : { _id: { $lt: before } }),
  };
};
